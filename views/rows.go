package views

import (
	"fmt"
	"strconv"
	"time"
)

// CustomerRow is a customer in a list.
type CustomerRow struct {
	CUID, Company, Email, Name, Phone, City, State, Country, Created string
}

// Path is the customer's page.
func (c CustomerRow) Path() string { return CustomerPath(c.CUID) }

// Label names the customer.
func (c CustomerRow) Label() string {
	for _, text := range []string{c.Company, c.Name, c.Email} {
		if text != "" {
			return text
		}
	}
	return c.CUID
}

// AuditRow is an act or event in a list.
type AuditRow struct {
	ID       int64
	At       time.Time
	What     string
	Who      string
	Outcome  string
	OnName   string
	OnEmail  string
	OnPath   string // of the customer's page; "" when it is not about one
	Reason   string
	Service  string
	Status   int
	Duration time.Duration
	Detail   string
	Settled  string // what a sync found out about an unknown create
	More     int    // others of the same kind right before it, which have no row of their own
	Event    bool
}

// Path is the entry's page.
func (r AuditRow) Path() string { return "/audit/" + strconv.FormatInt(r.ID, 10) }

// CodeRow is an SMS code in a list.
type CodeRow struct {
	ID        int64
	Phone     string
	Country   string
	Status    string // "active", "verified", "expired", "unknown"
	SentAt    time.Time
	ExpiresAt time.Time
	UsedAt    time.Time
	By        string
	Next      time.Time // when another may go to the number; zero: now
}

// Path is the code's page.
func (c CodeRow) Path() string { return fmt.Sprintf("/sms/%d", c.ID) }

// place is the city with its state.
func (c CustomerRow) place() string {
	if c.City != "" && c.State != "" {
		return c.City + ", " + c.State
	}
	return c.City + c.State
}

// day is the date of creation, as far as it reads as one.
func (c CustomerRow) day() string {
	if len(c.Created) >= 10 {
		if _, err := time.Parse(time.DateOnly, c.Created[:10]); err == nil {
			return c.Created[:10]
		}
	}
	return c.Created
}
