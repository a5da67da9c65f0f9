package handlers

import (
	"context"
	"strings"

	"frontdesk/views/lang"
)

// device is a browser and system in words, from the User-Agent, for people to
// tell their sessions apart. What it does not know it shows as it came.
func device(ctx context.Context, agent string) string {
	first := func(pairs [][2]string) string {
		for _, p := range pairs {
			if strings.Contains(agent, p[0]) {
				return p[1]
			}
		}
		return ""
	}
	// The order matters: most browsers also name the ones that they resemble.
	browser := first([][2]string{{"Edg/", "Edge"}, {"OPR/", "Opera"}, {"Firefox/", "Firefox"}, {"Chrome/", "Chrome"}, {"Safari/", "Safari"}, {"curl/", "curl"}})
	system := first([][2]string{{"Android", "Android"}, {"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Windows", "Windows"}, {"Mac OS X", "macOS"}, {"CrOS", "ChromeOS"}, {"Linux", "Linux"}})
	switch {
	case browser != "" && system != "":
		return lang.T(ctx, "%s on %s", browser, system)
	case browser != "":
		return browser
	case agent == "":
		return lang.T(ctx, "unknown")
	}
	return clip(agent, 80)
}
