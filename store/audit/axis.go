package audit

import (
	"context"
	"time"

	"github.com/RoaringBitmap/roaring/v2"
)

// axis cuts a span of time into buckets of one round width. It counts in
// seconds: the years that an address can name are too long for a Duration.
type axis struct {
	first, width int64
	n            int64
}

const minute, hour, day = 60, 60 * 60, 24 * 60 * 60

// widths are round; a span that is too long even for the last gets a multiple.
var widths = []int64{minute, 5 * minute, 15 * minute, hour, 3 * hour, 6 * hour, day, 7 * day, 30 * day, 90 * day, 360 * day}

// monday is what buckets are aligned to: a week's first day, at midnight UTC.
var monday = time.Date(1970, 1, 5, 0, 0, 0, 0, time.UTC).Unix()

// newAxis takes the least width, at least the given one, with which n buckets,
// two or more, cover from (inclusive) to (exclusive).
func newAxis(from, to time.Time, n int, least int64) axis {
	for i := 0; ; i++ {
		width := widths[min(i, len(widths)-1)] << max(0, i-len(widths)+1)
		if width < least {
			continue
		}
		a := axis{first: monday + floor(from.Unix()-monday, width)*width, width: width}
		a.n = a.at(to.Add(-time.Millisecond)) + 1
		if a.n <= int64(n) {
			return a
		}
	}
}

// at is the number of the bucket that holds t.
func (a axis) at(t time.Time) int64 { return floor(t.Unix()-a.first, a.width) }

func (a axis) buckets() []Bucket {
	all := make([]Bucket, max(a.n, 1))
	for i := range all {
		from := a.first + int64(i)*a.width
		all[i].From, all[i].To = time.Unix(from, 0).UTC(), time.Unix(from+a.width, 0).UTC()
	}
	return all
}

func floor(a, b int64) int64 {
	if a < 0 {
		return (a+1)/b - 1
	}
	return a / b
}

// shortSpan is how long a span may be for buckets of minutes.
const shortSpan = 4 * time.Hour

// shortBuckets counts by each entry's own time.
func shortBuckets(ctx context.Context, q Querier, f Filter, n int, counted, done, failed *roaring.Bitmap) ([]Bucket, error) {
	times := make(map[uint32]time.Time, counted.GetCardinality())
	var first, last time.Time
	err := timesOf(ctx, q, counted.ToArray(), func(id uint32, ms int64) {
		at := time.UnixMilli(ms)
		times[id] = at
		if first.IsZero() || at.Before(first) {
			first = at
		}
		if at.After(last) {
			last = at
		}
	})
	if err != nil {
		return nil, err
	}
	last = last.Add(time.Millisecond)
	if !f.From.IsZero() {
		first = f.From
	}
	if !f.To.IsZero() {
		last = f.To
	}
	a := newAxis(first, last, n, widths[0])
	all := a.buckets()
	for id, at := range times {
		switch b := &all[a.at(at)]; {
		case done.Contains(id):
			b.Done++
		case failed.Contains(id):
			b.Failed++
		}
	}
	return all, nil
}
