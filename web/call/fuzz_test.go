package call

import (
	"bufio"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

// planted is what no message may repeat: long ones anywhere, a short one as a word.
var planted = []string{"PLANTED-super token+1", "Planted.Key/2", "834516"}

// fitToShow holds what Clean promises: one line of text of at most 300 characters.
func fitToShow(t *testing.T, text string) {
	t.Helper()
	if !utf8.ValidString(text) || utf8.RuneCountInString(text) > maxMessage || strings.Join(strings.Fields(text), " ") != text {
		t.Fatalf("not a line of text: %q", text)
	}
	if strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }) {
		t.Fatalf("characters that do not print: %q", text)
	}
}

// holdsNone holds that a text repeats no secret.
func holdsNone(t *testing.T, text string) {
	t.Helper()
	for _, secret := range planted {
		if i := strings.Index(text, secret); i >= 0 {
			before, _ := utf8.DecodeLastRuneInString(text[:i])
			after, _ := utf8.DecodeRuneInString(text[i+len(secret):])
			if len(secret) >= 8 || !wordRune(before) && !wordRune(after) {
				t.Fatalf("%q repeats %q", text, secret)
			}
		}
	}
}

// FuzzRefusal: whatever comes with a status that is no success, it becomes one of
// the two kinds with a message that is fit to show, and always the same one.
func FuzzRefusal(f *testing.F) {
	for _, body := range []string{
		`{"message":"User not found"}`, `{"Message":"One","message":"Two","MESSAGE":["Three","Four"]}`, "\ufeff{\"error\":{\"message\":\"deep\"}}",
		`{"message":"Wrong PLANTED-super token+1 <b>for</b> Planted.Key/2 and 834516"}`, `{"message":"PLANTED-super%20token%2B1 PLANTED-super+token%2B1"}`,
		`<!doctype html><title>Bad gateway</title>`, `{"detail":"\u202e\u0000\ud800 <!-- "}`, `{"message":"<scr<script>ipt>"}`, "", "null", "[", "{\"message\":\"\xff\"}",
	} {
		f.Add(400, body, "7")
		f.Add(502, body, "Mon, 23 Nov 2026 10:00:00 GMT")
	}
	f.Add(429, `{}`, "99999999999999999999")
	f.Add(302, ``, "-1")
	f.Fuzz(func(t *testing.T, status int, body, wait string) {
		r := &Response{Status: status, Header: http.Header{"Retry-After": {wait}}, Body: []byte(body), service: "atom", op: "try", mask: newMasker(planted)}
		e := r.Refusal()
		fitToShow(t, e.Message)
		holdsNone(t, e.Error())
		if e.Kind != Refused && e.Kind != Unanswered || (e.Kind == Refused) != (status/100 == 4 || status/100 == 5 && e.Kind == Refused) {
			t.Fatalf("status %d is %v", status, e.Kind)
		}
		if e.RetryAfter < 0 {
			t.Fatalf("Retry-After %q is %v", wait, e.RetryAfter)
		}
		for range 8 {
			again := r.Refusal()
			again.RetryAfter = e.RetryAfter // a date comes nearer
			if !reflect.DeepEqual(again, e) {
				t.Fatalf("read as %v, and then as %v", e, again)
			}
		}
		if text := Clean(body); Clean(text) != text && !strings.Contains(text, "<") {
			t.Fatalf("%q is cleaned once more to %q", text, Clean(text))
		}
	})
}

// FuzzText: a field of any scalar kind is read; a number keeps its digits, and a
// string is what encoding/json makes of it, but for NUL.
func FuzzText(f *testing.F) {
	for _, raw := range []string{`"a"`, `"\u0000\ud800\"\\n"`, "\"\xff\"", `-0.10e+300`, `123456789012345678901234567890`, `true`, `null`, `{"a":1}`, `[]`, ` "x" `} {
		f.Add([]byte(raw))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var text Text
		if json.Unmarshal(raw, &text) != nil {
			var any json.RawMessage
			if json.Unmarshal(raw, &any) == nil && !strings.ContainsAny(string(any[:1]), "{[") {
				t.Fatalf("%q is refused", raw)
			}
			return
		}
		var want any
		dec := json.NewDecoder(strings.NewReader(string(raw)))
		dec.UseNumber()
		if err := dec.Decode(&want); err != nil {
			t.Fatalf("%q is read as %q, and is %v", raw, text, err)
		}
		switch want := want.(type) {
		case string:
			if string(text) != strings.ReplaceAll(want, "\x00", "") {
				t.Fatalf("%q is read as %q", raw, text)
			}
		case json.Number:
			if string(text) != want.String() {
				t.Fatalf("%q is read as %q", raw, text)
			}
		case bool:
			if string(text) != strings.TrimSpace(string(raw)) {
				t.Fatalf("%q is read as %q", raw, text)
			}
		case nil:
			if text != "" {
				t.Fatalf("%q is read as %q", raw, text)
			}
		}
		if !utf8.ValidString(string(text)) {
			t.Fatalf("%q is no text", text)
		}
	})
}

// FuzzDate: what a service says of its clock is believed in whole seconds, within a
// day, and only when it is said plainly.
func FuzzDate(f *testing.F) {
	f.Add("Mon, 23 Nov 2026 10:00:00 GMT", "", int64(time.Second))
	f.Add("Monday, 23-Nov-26 10:01:00 GMT", "", int64(0))
	f.Add("Mon Nov 23 08:00:00 2026", "7", int64(-1))
	f.Add("Mon, 23 Nov 9999 10:00:00 GMT", "", int64(1)<<62)
	f.Fuzz(func(t *testing.T, date, age string, took int64) {
		now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
		s := NewStats(func() time.Time { return now })
		header := http.Header{"Date": {date}}
		if age != "" {
			header.Set("Age", age)
		}
		for range clockReadings + 1 {
			s.dated("ip1", header, time.Duration(took))
		}
		ahead := s.Ahead("ip1")
		at, err := http.ParseTime(date)
		switch {
		case ahead != ahead.Round(time.Second), ahead.Abs() > clockFarthest+clockSlowest, ahead != 0 && ahead.Abs() < clockNoise:
			t.Fatalf("%q is %v ahead", date, ahead)
		case ahead != 0 && (err != nil || age != "" || time.Duration(took) > clockSlowest):
			t.Fatalf("%q with age %q after %v is believed: %v", date, age, time.Duration(took), ahead)
		case took >= 0 && ahead != 0 && (now.Add(ahead).Sub(at)).Abs() > clockSlowest+clockNoise:
			t.Fatalf("%q is taken for %v ahead", date, ahead)
		}
	})
}

// FuzzAnswer: whatever bytes come back in the place of an answer, the call ends in
// time with an answer that is within its bounds, or with an error that quotes
// nothing of them.
func FuzzAnswer(f *testing.F) {
	const mark = "PLANTED-in-the-answer"
	for _, answer := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nPLANTED-in-the-answer\r\n", "HTTP/1.1 302 Found\r\nLocation: https://x/PLANTED-in-the-answer\x7f%zz\r\n\r\n",
		"PLANTED-in-the-answer", "HTTP/1.1 PLANTED-in-the-answer\r\n\r\n", "HTTP/1.1 200 OK\r\nPLANTED-in-the-answer\r\n\r\n", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 204 x\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\n\x1f\x8b\x08", "HTTP/1.1 200 OK\r\nContent-Length: PLANTED-in-the-answer\r\n\r\n",
		"HTTP/1.1 101 Switching Protocols\r\nUpgrade: PLANTED-in-the-answer\r\nConnection: upgrade\r\n\r\nx", "HTTP/1.1 500 x\r\n\r\n{\"message\":\"834516 Planted.Key/2\"}", "",
	} {
		f.Add([]byte(answer))
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { listener.Close() })
	answers := make(chan []byte, 1)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			answer := <-answers
			if _, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
				_, _ = conn.Write(answer) // the client may have read enough
			}
			conn.Close()
		}
	}()
	client := New("atom", Limits{Act: 20 * time.Second, Failures: -1}, NewStats(time.Now))
	f.Fuzz(func(t *testing.T, answer []byte) {
		answers <- answer
		began := time.Now()
		r, err := client.Do(t.Context(), Request{Op: "try", Method: http.MethodGet, URL: "http://" + listener.Addr().String() + "/" + mark, Acts: true, Secrets: planted})
		if took := time.Since(began); took > 10*time.Second {
			t.Fatalf("it took %v", took)
		}
		var e *Error
		switch {
		case err == nil:
			if r.Status < 0 || r.Status > 999 || len(r.Body) > maxBody { // 000 has been seen, and means nothing
				t.Fatalf("status %d with %d bytes", r.Status, len(r.Body))
			}
			e = r.Refusal()
			fitToShow(t, e.Message)
			holdsNone(t, e.Error())
			return
		case !errors.As(err, &e):
			t.Fatalf("%T: %v", err, err)
		}
		if e.Kind != Unanswered || strings.Contains(err.Error(), mark) {
			t.Fatalf("%v: %v", e.Kind, err)
		}
	})
}
