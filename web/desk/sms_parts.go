package desk

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
)

// GSM 03.38: the basic table without its escape, and the extension, whose
// characters take two places.
const (
	gsmBasic = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?" +
		"¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
	gsmExtension = "\f^{}\\[~]|€"
)

// SMSSize is how a text travels.
type SMSSize struct {
	Unicode bool
	Units   int  // septets, or UTF-16 units
	Parts   int  // the SMS that it takes
	Forced  rune // the first character outside GSM 03.38; 0 when there is none
}

// SizeSMS measures a text as static/js/sms.js does while it is typed: one table of
// cases holds both to it.
func SizeSMS(text string) (s SMSSize) {
	for _, r := range text {
		if !strings.ContainsRune(gsmBasic, r) && !strings.ContainsRune(gsmExtension, r) {
			s.Unicode, s.Forced = true, r
			break
		}
	}
	// One part's size alone, and each part's among several.
	single, each := 160, 153
	if s.Unicode {
		single, each = 70, 67
	}
	parts, used := 1, 0
	for _, r := range text {
		n := 1
		switch {
		case s.Unicode:
			n = utf16.RuneLen(r)
		case strings.ContainsRune(gsmExtension, r):
			n = 2
		}
		if used+n > each { // a character is never split over two
			parts, used = parts+1, 0
		}
		used += n
		s.Units += n
	}
	switch {
	case s.Units == 0:
	case s.Units <= single:
		s.Parts = 1
	default:
		s.Parts = parts
	}
	return s
}

// Words say how much of how many SMS a text takes, and what makes it Unicode.
func (s SMSSize) Words() Text {
	if !s.Unicode {
		room := 160
		if s.Parts > 1 {
			room = s.Parts * 153
		}
		return Say("GSM characters: %s of %s", s.Units, room)
	}
	room := 70
	if s.Parts > 1 {
		room = s.Parts * 67
	}
	name := AsSaid("“" + string(s.Forced) + "”")
	if !unicode.IsGraphic(s.Forced) || unicode.IsSpace(s.Forced) {
		name = Say("The character %s", fmt.Sprintf("U+%04X", s.Forced))
	}
	return Say("%s makes this a Unicode message: %s of %s characters", name, s.Units, room)
}

// SMSPreview is what a message will look like, with a made-up code in it.
type SMSPreview struct {
	Text       string
	Size       SMSSize
	Expiration int  // of the code, in seconds
	NoPlace    bool // the message lacks the {0} that becomes the code
}

// PreviewSMS is what would be sent: what was typed, and the defaults for what was
// left blank. The code in it is as long as the real one will be.
func PreviewSMS(in SMSForm, d SMSDefaults) SMSPreview {
	format := in.MessageFormat
	if strings.TrimSpace(format) == "" {
		format = d.MessageFormat
	}
	numeric := d.NumericOnly
	switch in.NumericOnly {
	case "true", "on", "1", "yes":
		numeric = true
	case "false", "off", "0", "no":
		numeric = false
	}
	text := strings.ReplaceAll(format, "{0}", sampleCode(min(SMSLengthMax, whole(in.Length, d.Length)), numeric))
	text = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text)
	return SMSPreview{Text: text, Size: SizeSMS(text), Expiration: whole(in.ExpirationTime, d.Expiration), NoPlace: !strings.Contains(format, "{0}")}
}

// sampleCode is a made-up code: as long as the real one, and in its alphabet.
func sampleCode(length int, numeric bool) string {
	characters := "4K7P9X2M6R"
	if numeric {
		characters = "4719382605"
	}
	return strings.Repeat(characters, length/len(characters)+1)[:length]
}

// whole is a number as typed, or else when it is blank or none.
func whole(text string, otherwise int) int {
	text = strings.TrimSpace(text)
	n, err := strconv.Atoi(text)
	if err != nil || len(text) > 6 || !digitsOnly(text) {
		return otherwise
	}
	return n
}
