//go:build !race

package desk

import (
	"bytes"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestFiftyThousandRows tells how long the largest import takes to read, check
// and store.
func TestFiftyThousandRows(t *testing.T) {
	r := newRig(t)
	began := time.Now()
	id, err := r.ReadImport(ctx, r.mia, "all.csv", manyRows(MaxImportRows))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d rows were read, checked and stored in %v", MaxImportRows, time.Since(began))
	counts, err := r.Store.ImportCounts(ctx, id)
	if err != nil || counts["ready"] != MaxImportRows {
		t.Errorf("%v, %v", counts, err)
	}
}

// TestSheetsFillNoMemory: however few characters its cells have, a file takes no
// more than a few times its own size.
func TestSheetsFillNoMemory(t *testing.T) {
	for name, content := range map[string][]byte{
		"one line of delimiters": bytes.Repeat([]byte(","), MaxImportBytes),
		"behind a cell":          append([]byte("5\" pipe"), bytes.Repeat([]byte(";"), MaxImportBytes-7)...),
		"a quote that ends":      append([]byte("a,b\n\"1\""), bytes.Repeat([]byte(","), MaxImportBytes-7)...),
		"lines of delimiters":    append([]byte("a,b\n1,2\n"), bytes.Repeat([]byte(strings.Repeat(",", 200)+"\n"), MaxImportBytes/201-1)...),
		"short rows":             append([]byte(strings.Repeat("a,", 199)+"a\n"), bytes.Repeat([]byte("1\n"), MaxImportRows)...),
		"rows of blank cells":    append([]byte(strings.Repeat("a,", 199)+"a\n"), bytes.Repeat([]byte("1"+strings.Repeat(",", 199)+"\n"), MaxImportRows)...),
	} {
		if len(content) > MaxImportBytes {
			t.Fatalf("%s: %d bytes", name, len(content))
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := ReadSheet(content)
		runtime.ReadMemStats(&after)
		mb := (after.TotalAlloc - before.TotalAlloc) >> 20
		t.Logf("%s: %d MB, %v", name, mb, err)
		if mb > 100 {
			t.Errorf("%s: reading it takes %d MB", name, mb)
		}
	}
}
