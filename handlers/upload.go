package handlers

import (
	"bytes"
	"context"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
	"unicode"

	"frontdesk/views"
	"frontdesk/web/desk"
)

// What an upload may be: how long it may take to arrive on a slow line, how many
// are read at once and how long others wait for that, and how much of a file
// that is too large is read on, so that the browser gets to show the answer.
const (
	uploadLimit = 5 * time.Minute
	uploadsMost = 2
	uploadsEach = 1                     // of one session
	uploadLooks = 50 * time.Millisecond // at whether the session's other one is over
	uploadWaits = 15 * time.Second
	maxUpload   = 5 * desk.MaxImportBytes
)

// file is what came with an upload.
type file struct {
	Name    string // text to show, no path
	Content []byte
}

// uploaded reads a form with a file, for a reader who may send one, and hands on.
// The file stays in memory, so only a few are read at once.
func (h *Handlers) uploaded(w http.ResponseWriter, r *http.Request, next func(http.ResponseWriter, *http.Request) error) error {
	if r.ContentLength == 0 { // an empty form
		r.PostForm = url.Values{}
		return next(w, r)
	}
	refuse := func(status int, p *desk.Problem) error {
		w.Header().Set("Connection", "close")
		// A body that came too slowly has cancelled the context, and with it whatever is rendered.
		h.refuse(w, r.WithContext(context.WithoutCancel(r.Context())), status, p)
		return nil
	}
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/form-data" {
		return refuse(http.StatusUnsupportedMediaType, &desk.Problem{Title: "This is not a form",
			Text:   "frontdesk takes files as its own page sends them, of the kind multipart/form-data. Nothing was done.",
			Advice: "Do it on frontdesk's own page."})
	}
	if r.ContentLength > maxUpload {
		return refuse(http.StatusRequestEntityTooLarge, tooLarge(nil))
	}
	wait := time.NewTimer(h.uploadWait)
	defer wait.Stop()
	session := visitOf(r).Actor.Session
	for !h.uploading.take(session, uploadsEach) {
		select {
		case <-time.After(uploadLooks):
			continue
		case <-wait.C:
			w.Header().Set("Retry-After", seconds(uploadWaits))
			return refuse(http.StatusServiceUnavailable, &desk.Problem{Title: "You are bringing in another file",
				Text: "frontdesk reads one file at a time from you, and is busy with another one. Nothing was done.", Advice: "Try again when that one is there."})
		case <-r.Context().Done():
			return r.Context().Err()
		}
	}
	defer h.uploading.give(session)
	select {
	case h.uploads <- struct{}{}:
		defer func() { <-h.uploads }()
	case <-wait.C:
		w.Header().Set("Retry-After", seconds(uploadWaits))
		return refuse(http.StatusServiceUnavailable, &desk.Problem{Title: "Others are bringing in files",
			Text: "frontdesk reads two files at once, and is busy with them. Nothing was done.", Advice: "Try again in a minute."})
	case <-r.Context().Done():
		return r.Context().Err()
	}
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(h.uploadLimit)) // a test's recorder has none
	r.Body = http.MaxBytesReader(w, r.Body, maxUpload)
	if status, p := readUpload(r); p != nil {
		return refuse(status, p)
	}
	_ = control.SetReadDeadline(time.Time{})
	return next(w, r)
}

// readUpload reads the form's fields and its file, or says what is wrong with
// them and the status for that.
func readUpload(r *http.Request) (status int, p *desk.Problem) {
	err := readParts(r)
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large), errors.Is(err, multipart.ErrMessageTooLarge):
		return http.StatusRequestEntityTooLarge, tooLarge(err)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return http.StatusRequestTimeout, &desk.Problem{Title: "The file came too slowly",
			Text: desk.Say("It was not complete after %s. Nothing was done.", views.Span(r.Context(), uploadLimit)), Advice: "Check your connection, or split the file, and send it again.", Err: err}
	case err != nil:
		return http.StatusUnprocessableEntity, &desk.Problem{Title: "The file could not be read",
			Text: "It was cut or garbled on its way. Nothing was done.", Advice: "Go back and send it again.", Err: err}
	}
	return 0, nil
}

func tooLarge(err error) *desk.Problem {
	return &desk.Problem{Title: "The file is too large", Text: "An import takes a file of at most 20 MB. Nothing was done.",
		Advice: "Split it into parts, or remove the columns that are not needed, and bring in each part.", Err: err}
}

// readParts reads the parts of the form as they come, without temporary files.
func readParts(r *http.Request) error {
	parts, err := r.MultipartReader()
	if err != nil {
		return err
	}
	r.PostForm = url.Values{}
	room := int64(maxForm) // for all that is no file
	for n := 0; ; n++ {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if n >= maxFields {
			return multipart.ErrMessageTooLarge
		}
		if name := part.FileName(); part.FormName() == "file" && name != "" && visitOf(r).File == nil {
			content, err := readLimited(part, desk.MaxImportBytes, r.ContentLength)
			if err != nil {
				return errors.Join(err, drain(r.Body))
			}
			visitOf(r).File = &file{Name: shownName(name), Content: content}
			continue
		}
		value, err := readLimited(part, room, 0)
		if err != nil {
			return err
		}
		room -= int64(len(value))
		r.PostForm.Add(part.FormName(), string(value))
	}
}

// readLimited reads at most limit bytes, and fails if there are more. expected
// is about how many there will be; 0 or less is not known.
func readLimited(from io.Reader, limit, expected int64) ([]byte, error) {
	var to bytes.Buffer
	to.Grow(int(max(0, min(limit, expected))) + bytes.MinRead) // growing step by step would take twice the memory
	_, err := to.ReadFrom(io.LimitReader(from, limit+1))
	if err == nil && int64(to.Len()) > limit {
		err = multipart.ErrMessageTooLarge
	}
	return to.Bytes(), err
}

// drain reads what is left of a body that is refused: a browser shows the answer
// only when it has sent everything.
func drain(body io.Reader) error {
	_, err := io.Copy(io.Discard, body)
	var large *http.MaxBytesError
	if errors.As(err, &large) || errors.Is(err, os.ErrDeadlineExceeded) { // it is refused already
		return nil
	}
	return err
}

// shownName is a file's name as its sender wrote it, as a line of text.
func shownName(name string) string {
	name = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(name, ""))
	if name = clip(name, 200); name == "" {
		return "file without a name"
	}
	return name
}
