package handlers

import (
	"strings"
	"time"

	"frontdesk/store/audit"
	"frontdesk/views"
	"frontdesk/views/lang"
	"frontdesk/web/desk"
)

// activityDays is how many days home's chart has, today the last.
const activityDays = 30

// actKinds are the kinds of act that home tells apart, the commonest first: it
// stands lowest. Everything else is one kind more.
var actKinds = []struct {
	label string
	whats []string
}{
	{lang.Mark("Open as customer"), []string{desk.WhatSSO}},
	{lang.Mark("Create customer"), []string{desk.WhatCreate}},
	{lang.Mark("Passcodes"), []string{desk.WhatSendPasscode, desk.WhatRedeem}},
	{lang.Mark("Credentials"), []string{desk.WhatByCUID, desk.WhatNoPasscode, desk.WhatReveal}},
	{lang.Mark("SMS codes"), []string{desk.WhatSendSMS, desk.WhatVerifySMS}},
}

func kindWhats() [][]string {
	all := make([][]string, len(actKinds))
	for i, k := range actKinds {
		all[i] = k.whats
	}
	return all
}

// activityChart stands each day's acts on one another by kind, and hangs what was
// not done below, all to one scale. Days and kinds lead to their part of the log.
func activityChart(counted []audit.Day, today time.Time) views.AuditChart {
	var c views.AuditChart
	first := today.AddDate(0, 0, 1-activityDays)
	for _, k := range actKinds {
		c.Kinds = append(c.Kinds, views.ChartKind{Label: k.label, Path: dayPath(first, today, k.whats)})
	}
	c.Kinds = append(c.Kinds, views.ChartKind{Label: lang.Mark("Everything else")})
	by := map[time.Time]audit.Day{}
	done, failed := 0, 0
	for _, d := range counted {
		by[d.Date] = d
		done, failed = max(done, d.Done), max(failed, d.Failed)
		c.Total, c.Failed = c.Total+d.Done+d.Failed, c.Failed+d.Failed
	}
	scale := max(done+failed, 5) // a single act is no tower
	height := func(n int) int {
		if n == 0 {
			return 0
		}
		return max(n*chartHeight/scale, 3) // one among many still shows
	}
	for date := first; !date.After(today); date = date.AddDate(0, 0, 1) {
		d := by[date]
		bar := views.AuditBar{From: date, To: date.AddDate(0, 0, 1), Done: d.Done, Failed: d.Failed, FailedHeight: height(d.Failed)}
		if d.Done+d.Failed > 0 {
			bar.Path = dayPath(date, date, nil)
			rest := audit.Ended{Done: d.Done, Failed: d.Failed}
			for i, e := range d.Kinds {
				bar.Parts = append(bar.Parts, views.BarPart{Done: e.Done, Failed: e.Failed, Height: height(e.Done), Path: dayPath(date, date, actKinds[i].whats)})
				rest.Done, rest.Failed = rest.Done-e.Done, rest.Failed-e.Failed
			}
			bar.Parts = append(bar.Parts, views.BarPart{Done: rest.Done, Failed: rest.Failed, Height: height(rest.Done)})
		}
		for i, p := range bar.Parts {
			bar.DoneHeight += p.Height
			c.Kinds[i].Done, c.Kinds[i].Failed = c.Kinds[i].Done+p.Done, c.Kinds[i].Failed+p.Failed
		}
		c.Above, c.Below = max(c.Above, bar.DoneHeight), max(c.Below, bar.FailedHeight)
		c.Bars = append(c.Bars, bar)
	}
	if c.Total > 0 {
		c.Above = max(c.Above, chartHeight-c.Below)
	}
	return c
}

// dayPath is the log from one day to another, of all acts or of some kinds.
func dayPath(from, to time.Time, whats []string) string {
	return auditPath(with(nil, "from", from.Format(time.DateOnly), "to", to.Format(time.DateOnly), "what", strings.Join(whats, ",")))
}
