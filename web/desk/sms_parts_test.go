package desk

import (
	"encoding/json"
	"os"
	"testing"
)

// smsParts are the cases that hold the preview of the server and that of the
// browser (static/js/sms.test.mjs) to the same.
func smsParts(t *testing.T) (cases struct {
	Sizes []struct {
		Name, Text, Encoding, Forced, Words string
		Units, Parts                        int
	}
	Previews []struct {
		Name     string
		Defaults struct {
			Format             string
			Length, Expiration int
			Numeric            bool
		}
		Typed struct{ Format, Length, Expiration, Numeric string }
		Want  struct {
			Text, Encoding    string
			Parts, Expiration int
			NoPlace           bool
		}
	}
}) {
	t.Helper()
	text, err := os.ReadFile("testdata/sms_parts.json")
	if err == nil {
		err = json.Unmarshal(text, &cases)
	}
	if err != nil || len(cases.Sizes) == 0 || len(cases.Previews) == 0 {
		t.Fatalf("the cases: %d and %d, %v", len(cases.Sizes), len(cases.Previews), err)
	}
	return cases
}

func TestHowManySMSATextTakes(t *testing.T) {
	for _, c := range smsParts(t).Sizes {
		got := SizeSMS(c.Text)
		encoding, forced := "GSM", ""
		if got.Unicode {
			encoding, forced = "Unicode", string(got.Forced)
		}
		if encoding != c.Encoding || got.Units != c.Units || got.Parts != c.Parts || c.Forced != "" && forced != c.Forced {
			t.Errorf("%s: %+v", c.Name, got)
		}
		if words := got.Words().String(); c.Words != "" && words != c.Words {
			t.Errorf("%s: %q, want %q", c.Name, words, c.Words)
		}
	}
	n := 0
	for r := rune(0); r < 0x2030; r++ {
		if !SizeSMS(string(r)).Unicode {
			n++
		}
	}
	if n != 127+9 { // the euro sign lies above
		t.Errorf("the tables have %d characters", n)
	}
}

func TestThePreviewHasACodeOfFullLength(t *testing.T) {
	for _, c := range smsParts(t).Previews {
		got := PreviewSMS(
			SMSForm{MessageFormat: c.Typed.Format, Length: c.Typed.Length, ExpirationTime: c.Typed.Expiration, NumericOnly: c.Typed.Numeric},
			SMSDefaults{MessageFormat: c.Defaults.Format, Length: c.Defaults.Length, Expiration: c.Defaults.Expiration, NumericOnly: c.Defaults.Numeric},
		)
		if got.Text != c.Want.Text || got.Size.Parts != c.Want.Parts || got.Size.Words().String() != c.Want.Encoding ||
			got.Expiration != c.Want.Expiration || got.NoPlace != c.Want.NoPlace {
			t.Errorf("%s: %+v, %s", c.Name, got, got.Size.Words())
		}
	}
}
