package atom

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"

	"frontdesk/web/call"
)

// maxCustomer is the largest element of the list that is read, in bytes.
const maxCustomer = 1 << 20

// Customers asks for all customers and hands them to yield one by one while
// the list arrives: it has no paging and can be tens of MB. Elements that are
// no objects, have no usable cuid or are larger than 1 MiB are skipped and
// counted. A list that is cut, or no array, is Unanswered; customers yielded
// until then are not the whole list. yield's error ends the call and is
// returned as it is.
func (c *Client) Customers(ctx context.Context, yield func(Customer) error) (skipped int, err error) {
	// Exactly /customer/, with the slash that the create does not have.
	req := c.app("list customers", http.MethodGet, "/customer/")
	req.Long = true
	err = c.call.Stream(ctx, req, func(r *call.Response, body io.Reader) error {
		if !r.OK() {
			return refusal(r, asked{})
		}
		skipped, err = readCustomers(r, body, yield)
		return err
	})
	return skipped, err
}

// readCustomers decodes the list. The decoder's errors can quote the list, so
// they are replaced by fixed sentences.
func readCustomers(r *call.Response, body io.Reader, yield func(Customer) error) (skipped int, err error) {
	buffered := bufio.NewReaderSize(body, 64<<10)
	if mark, _ := buffered.Peek(3); string(mark) == "\ufeff" {
		buffered.Discard(3)
	}
	dec := json.NewDecoder(buffered)
	switch open, err := dec.Token(); {
	case err == io.EOF:
		return 0, r.Unintelligible("the answer is empty")
	case err != nil:
		return 0, r.Unintelligible("the answer is not whole JSON")
	case open != json.Delim('['):
		return 0, r.Unintelligible("the answer is not a JSON array")
	}
	seen := names{}
	var raw json.RawMessage
	for dec.More() {
		raw = raw[:0]
		if dec.Decode(&raw) != nil {
			return skipped, r.Unintelligible("the list breaks off")
		}
		if len(raw) > maxCustomer {
			skipped++
			continue
		}
		customer, ok := parseCustomer(seen, raw)
		if !ok {
			skipped++
			continue
		}
		if err := yield(customer); err != nil {
			return skipped, err
		}
	}
	if _, err := dec.Token(); err != nil {
		return skipped, r.Unintelligible("the list breaks off")
	}
	// What follows the array must be nothing: reading to the end also finds
	// a body that is shorter than it was announced.
	if _, err := dec.Token(); err != io.EOF {
		return skipped, r.Unintelligible("the list does not end where it should")
	}
	return skipped, nil
}
