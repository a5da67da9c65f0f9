package handlers

import (
	"net/url"
	"time"

	"frontdesk/store/audit"
	"frontdesk/views"
)

// chartBars is how many bars the log's chart has at most: a month by day, a
// day by hour.
const chartBars = 31

// chartHeight is the height of the tallest bar and the tallest bar of failures
// together.
const chartHeight = 100

// auditChart scales the buckets: what was done stands above the line, what was
// not done hangs below it.
func auditChart(counted audit.Summary, query url.Values) views.AuditChart {
	c := views.AuditChart{Total: counted.Total, Failed: counted.Failed, Capped: counted.Capped}
	done, failed := 0, 0
	for _, b := range counted.Buckets {
		done, failed = max(done, b.Done), max(failed, b.Failed)
	}
	height := func(n int) int {
		if n == 0 {
			return 0
		}
		return max(n*chartHeight/(done+failed), 3) // one among many still shows
	}
	c.Above, c.Below = height(done), height(failed)
	for _, b := range counted.Buckets {
		bar := views.AuditBar{From: b.From.UTC(), To: b.To.UTC(), Done: b.Done, Failed: b.Failed, DoneHeight: height(b.Done), FailedHeight: height(b.Failed)}
		if b.Done+b.Failed > 0 {
			from, to := bucketParams(bar.From, bar.To)
			bar.Path = auditPath(with(query, "from", from, "to", to))
		}
		c.Bars = append(c.Bars, bar)
	}
	return c
}

// bucketParams are from and to for a bucket, as short as they can be: a last
// day counts whole, a last minute does not.
func bucketParams(from, to time.Time) (string, string) {
	if from.Equal(startOfDay(from)) && to.Equal(startOfDay(to)) {
		return from.Format(time.DateOnly), to.AddDate(0, 0, -1).Format(time.DateOnly)
	}
	return timeParam(from), timeParam(to)
}

func timeParam(t time.Time) string {
	if t.Equal(t.Truncate(time.Minute)) {
		return t.Format(views.MinuteLayout)
	}
	return t.Format(time.RFC3339Nano)
}
