package desk

import (
	"fmt"

	"frontdesk/store/audit"
)

// Restored is the entry that puts a restore from a backup on record: of the
// log, the first size entries came from it.
func Restored(who audit.Who, size int64, reason string) audit.Entry {
	return audit.Entry{
		Phase: audit.Event, Who: who, What: WhatRestore, On: audit.Subject{ID: fmt.Sprintf("log:%d", size), Name: fmt.Sprintf("the first %d entries", size)},
		Reason: reason, Result: audit.Done, Detail: "the database was restored from a backup; what was recorded after it was taken is lost",
	}
}
