package handlers

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"frontdesk/web/sandbox"
)

// sandboxVariable makes this test's program a sandbox of so many customers, so that
// collecting their garbage is not measured along with frontdesk's work.
const sandboxVariable = "FRONTDESK_BENCH_SANDBOX"

func TestMain(m *testing.M) {
	customers, err := strconv.Atoi(os.Getenv(sandboxVariable))
	if err != nil {
		os.Exit(runTests(m))
	}
	if err := serveSandbox(customers); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// serveSandbox serves until its standard input ends, which it does with whoever
// started it.
func serveSandbox(customers int) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: sandbox.New(sandbox.Config{Customers: customers})}
	go server.Serve(l)
	fmt.Println("http://" + l.Addr().String())
	bufio.NewReader(os.Stdin).ReadString('\n')
	return server.Close()
}

// otherSandbox starts a sandbox in a process of its own, and returns a handler that
// passes everything on to it.
func otherSandbox(b *testing.B, customers int) http.Handler {
	b.Helper()
	cmd := exec.Command(os.Args[0], "-test.run", "^$")
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d", sandboxVariable, customers))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { in.Close(); cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	at, err := url.Parse(strings.TrimSpace(line))
	if err != nil {
		b.Fatal(err)
	}
	return &httputil.ReverseProxy{
		Transport: &http.Transport{MaxIdleConnsPerHost: 64},
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(at)
			r.Out.Host = r.In.Host // the links that it makes lead here
		},
	}
}
