package atom

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"frontdesk/web/call"
)

// maxCustomer is the largest element of the list that is read, in bytes.
const maxCustomer = 1 << 20

// ErrOdd is what an element of the list without a usable cuid gives.
var ErrOdd = errors.New("no customer with a usable cuid")

// Element is one element of the list. Raw is valid JSON, as ATOM wrote it.
type Element struct {
	Raw   []byte
	names names
}

// Head reads the cuid and the company alone, which takes a fraction of reading the
// customer.
func (e Element) Head() (cuid, company string, err error) { return headOf(e.Raw) }

// Customer reads the whole element; ErrOdd when Head gives that.
func (e Element) Customer() (Customer, error) {
	c, ok := parseCustomer(e.names, e.Raw)
	if !ok {
		return Customer{}, ErrOdd
	}
	return c, nil
}

// Kept makes elements again of those that were kept raw.
type Kept struct{ names names }

// Element returns the element that raw was the Raw of.
func (k *Kept) Element(raw []byte) Element {
	if k.names == nil {
		k.names = names{}
	}
	return Element{raw, k.names}
}

// Customers asks for all customers and hands them to yield one by one while
// the list arrives: it has no paging and can be tens of MB. An element is valid
// until yield returns. Those that are larger than 1 MiB, or for which yield
// returns ErrOdd, are skipped and counted. A list that is cut, or no array, is
// Unanswered; what was yielded until then is not the whole list. Any other error
// of yield ends the call and is returned as it is.
func (c *Client) Customers(ctx context.Context, yield func(Element) error) (skipped int, err error) {
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
func readCustomers(r *call.Response, body io.Reader, yield func(Element) error) (skipped int, err error) {
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
		r.Element(raw)
		switch err := yield(Element{raw, seen}); {
		case err == ErrOdd:
			skipped++
		case err != nil:
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
