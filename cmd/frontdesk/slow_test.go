package main

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Clients that hold a connection without saying much lose it, with the limits
// that the program ships with. Those of a slow reader are held by the handlers'
// own tests.
func TestSlowClientsAreCutOff(t *testing.T) {
	t.Parallel()
	d := startDashboard(t, startServices(t).against(t))
	addr := strings.TrimPrefix(d.URL, "http://")
	const form = "POST /login HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 5000\r\nHost: "
	for _, c := range []struct {
		name, begins, goesOn string
		status               int // of the answer before the end; 0: none
	}{
		{"nothing", "", "", 0},
		{"a header that trickles", "GET /login HTTP/1.1\r\nHost: " + addr + "\r\nX-Slow: ", "x", 0},
		{"headers without an end", "GET /login HTTP/1.1\r\nHost: " + addr + "\r\n", "X-Slow: x\r\n", 0},
		{"a body that trickles", form + addr + "\r\n\r\n", "x", http.StatusRequestTimeout},
		{"a body that never comes", form + addr + "\r\n\r\n", "", http.StatusRequestTimeout},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			conn, err := net.Dial("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if _, err := io.WriteString(conn, c.begins); err != nil {
				t.Fatal(err)
			}
			go func() {
				for {
					time.Sleep(200 * time.Millisecond)
					if _, err := io.WriteString(conn, c.goesOn); err != nil {
						return // cut off
					}
				}
			}()
			if err := conn.SetReadDeadline(time.Now().Add(15 * time.Second)); err != nil {
				t.Fatal(err)
			}
			in := bufio.NewReader(conn)
			status := 0
			if res, err := http.ReadResponse(in, nil); err == nil {
				status = res.StatusCode
				_, _ = io.Copy(io.Discard, res.Body) // what matters is the end
			}
			_, end := in.ReadByte()
			if timeout, ok := end.(net.Error); end == nil || (ok && timeout.Timeout()) {
				t.Errorf("the connection goes on: %v", end)
			}
			if status != c.status {
				t.Errorf("status %d, want %d", status, c.status)
			}
		})
	}

	// Neither may somebody send a header without end quickly.
	req, err := http.NewRequest(http.MethodGet, d.URL+"/login", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Long", strings.Repeat("x", 40<<10))
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("a header of 40 KiB: status %d", res.StatusCode)
	}
}

// TestOptionsOfTheWholeHostAreOurs: net/http would answer OPTIONS * by itself,
// with 200 and without our headers.
func TestOptionsOfTheWholeHostAreOurs(t *testing.T) {
	t.Parallel()
	d := startDashboard(t, startServices(t).against(t))
	addr := strings.TrimPrefix(d.URL, "http://")
	for host, want := range map[string]int{addr: http.StatusNotFound, "evil.example": http.StatusMisdirectedRequest} {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if err := conn.SetDeadline(time.Now().Add(15 * time.Second)); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(conn, "OPTIONS * HTTP/1.1\r\nHost: "+host+"\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != want {
			t.Errorf("asked as %s: status %d, want %d", host, res.StatusCode, want)
		}
		for _, name := range []string{"Content-Security-Policy", "X-Frame-Options", "X-Request-Id", "Permissions-Policy"} {
			if res.Header.Get(name) == "" {
				t.Errorf("asked as %s: no %s", host, name)
			}
		}
	}
}
