// Package boxtest gives benchmarks a sandbox in a process of its own, so that neither
// its work nor its garbage is measured along with frontdesk's. It notes how long the
// services were at work for whom.
package boxtest

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"frontdesk/web/sandbox"
)

// variable has the configuration of the sandbox that a test's program is to be.
const variable = "FRONTDESK_TEST_SANDBOX"

// memory is what a sandbox may take before it collects its garbage unasked.
const memory = 2 << 30 // bytes

// Serve makes the test's program a sandbox when Start has started it as one, and does
// not return then. TestMain begins with it.
func Serve() {
	text := os.Getenv(variable)
	if text == "" {
		return
	}
	if err := serve(text); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// serve serves until its standard input ends, which it does with whoever started it.
func serve(config string) error {
	var cfg sandbox.Config
	if err := json.Unmarshal([]byte(config), &cfg); err != nil {
		return err
	}
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(memory)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: (&service{}).wrap(sandbox.New(cfg))}
	go server.Serve(l)
	fmt.Println("http://" + l.Addr().String())
	bufio.NewReader(os.Stdin).ReadString('\n')
	return server.Close()
}

// Box is a sandbox in another process.
type Box struct {
	URL string

	tb testing.TB
}

// Start starts a sandbox, which ends with the test. Of its configuration, the clock is
// left out.
func Start(tb testing.TB, cfg sandbox.Config) *Box {
	tb.Helper()
	config, err := json.Marshal(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], "-test.run", "^$")
	cmd.Env = append(os.Environ(), variable+"="+string(config))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		tb.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { in.Close(); cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		tb.Fatal(err)
	}
	return &Box{URL: strings.TrimSpace(line), tb: tb}
}

// Where a Box tells its service what to do.
const (
	toldHold  = "/told/hold"
	toldFree  = "/told/free"
	toldDelay = "/told/delay"
	toldTook  = "/told/took"
)

// Hold has requests for ATOM's list wait, until Free.
func (b *Box) Hold() { b.tell(toldHold) }

// Free lets them go on.
func (b *Box) Free() { b.tell(toldFree) }

// Slow has every other request take so long in the mean: between a half of it and one
// and a half. Were it the same for all, those who are at work at once would be in step
// from the first request on, and each measured behind all the others.
func (b *Box) Slow(d time.Duration) { b.tell(toldDelay + "?for=" + d.String()) }

// Took is how long the services were at work since this was last asked, by the e-mail
// address, phone number or customer that the requests were about. Garbage is collected
// now, and not while others are measured.
func (b *Box) Took() (all map[string]time.Duration) {
	b.tb.Helper()
	if err := json.Unmarshal(b.tell(toldTook), &all); err != nil {
		b.tb.Fatal(err)
	}
	return all
}

func (b *Box) tell(what string) []byte {
	b.tb.Helper()
	res, err := http.Get(b.URL + what)
	if err != nil {
		b.tb.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		b.tb.Fatalf("%s: status %d, %v", what, res.StatusCode, err)
	}
	return text
}

// service is around the sandbox.
type service struct {
	took  sync.Map // of *atomic.Int64, by what it was about
	hold  sync.RWMutex
	delay atomic.Int64 // in the mean
	calls atomic.Uint32
}

// wait is how long the next request takes before it is worked on.
func (s *service) wait() time.Duration {
	const golden = 0x9E3779B9 // of 2^32: its multiples are spread evenly
	delay := s.delay.Load()
	return time.Duration(delay/2 + delay*int64(s.calls.Add(golden)>>16)>>16)
}

func (s *service) note(w http.ResponseWriter, r *http.Request, next http.Handler) {
	began := time.Now()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	time.Sleep(s.wait())
	next.ServeHTTP(w, r)
	var about struct{ Email, Phone string }
	_ = json.Unmarshal(body, &about) // a request without a body has it in its path
	path := strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, "/atom/customer/"), "/sso")
	sum, _ := s.took.LoadOrStore(cmp.Or(about.Email, about.Phone, path), new(atomic.Int64))
	sum.(*atomic.Int64).Add(int64(time.Since(began)))
}

func (s *service) wrap(next http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc(toldHold, func(http.ResponseWriter, *http.Request) { s.hold.Lock() })
	mux.HandleFunc(toldFree, func(http.ResponseWriter, *http.Request) { s.hold.Unlock() })
	mux.HandleFunc(toldTook, func(w http.ResponseWriter, _ *http.Request) {
		runtime.GC()
		all := map[string]time.Duration{}
		for about, sum := range s.took.Range {
			all[about.(string)] = time.Duration(sum.(*atomic.Int64).Load())
		}
		s.took.Clear()
		_ = json.NewEncoder(w).Encode(all)
	})
	mux.HandleFunc(toldDelay, func(w http.ResponseWriter, r *http.Request) {
		delay, err := time.ParseDuration(r.FormValue("for"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		s.delay.Store(int64(delay))
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasPrefix(r.URL.Path, "/told/"):
			mux.ServeHTTP(w, r)
		case r.URL.Path == "/atom/customer/":
			s.hold.RLock()
			defer s.hold.RUnlock()
			next.ServeHTTP(w, r)
		default:
			s.note(w, r, next)
		}
	})
}
