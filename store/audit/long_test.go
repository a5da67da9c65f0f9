//go:build !race

package audit_test

import "os"

const long = 66_000 // the length of the longest log: its tree has tiles of three levels

// thorough tries every place and value, not a sample of them; "make prove" does.
var thorough = os.Getenv("FRONTDESK_THOROUGH") != ""
