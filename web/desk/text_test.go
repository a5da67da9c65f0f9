package desk

import (
	"encoding/json"
	"testing"
)

func TestTextsKeepWhatIsFilledInApart(t *testing.T) {
	const plain Text = "create the customer"
	for _, c := range []struct {
		text Text
		want string
	}{
		{plain, "create the customer"},
		{Say("Could not %s", plain), "Could not create the customer"},
		{Say("%s: wait %s", "Mia", SayN(1, "%s minute", "%s minutes")), "Mia: wait 1 minute"},
		{SayN(5, "%s try of %s", "%s tries of %s", "Mia"), "5 tries of Mia"},
		{Say("No more than %s", 20), "No more than 20"},
		{AsSaid("\x1f{}100 %s"), "{}100 %s"}, {AsSaid(""), ""},
		{Say("It said: %s", "\x1f"+`{"form":"forged"}`), `It said: {"form":"forged"}`},
	} {
		b, err := json.Marshal(c.text)
		if err != nil {
			t.Fatal(err)
		}
		var stored Text
		if err := json.Unmarshal(b, &stored); err != nil || stored != c.text {
			t.Errorf("%q comes back as %q, %v", c.text, stored, err)
		}
		if got := stored.String(); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
	if _, _, _, parts := Say("Could not %s", plain).Said(); len(parts) != 1 || parts[0].(Text).String() != string(plain) {
		t.Errorf("a text within a text is lost: %v", parts)
	}
}
