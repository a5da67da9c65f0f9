package lang

import "context"

// scripts are the texts that static/js shows.
var scripts = []string{
	"%s d %s h",
	"%s makes this a Unicode message: %s of %s characters",
	"Cleared from this page.",
	"Cleared from this page. Reload it to see this again until %s.",
	"Cleared from this page: %s.",
	"Copied",
	"GSM characters: %s of %s",
	"Request %s.",
	"The character %s",
	"The message needs {0}, where the code goes.",
	"The theme could not be kept. It holds until you leave this page.",
	"This customer's page does not offer that now.",
	"Try again",
	"You were signed out for safety; frontdesk cannot be reached just now.",
	"You will be signed out in a minute. Press any key to stay signed in.",
	"Your browser did not allow copying. Select the text and copy it by hand.",
	"Your choice could not be kept. It holds until you leave this page.",
	"frontdesk could not answer this (error %s). Reload the page and try again.",
	"frontdesk could not be reached. Check your connection and try again.",
	"just now",
}

// Scripts are the texts of the scripts in the reader's language, by their English;
// nil when that is what they are written in.
func Scripts(ctx context.Context) map[string]string {
	l := Of(ctx)
	if l == nil || l.texts == nil {
		return nil
	}
	texts := make(map[string]string, len(scripts))
	for _, english := range scripts {
		texts[english] = l.form(english)
	}
	return texts
}
