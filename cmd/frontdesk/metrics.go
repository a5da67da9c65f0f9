package main

import (
	_ "embed"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// What operators take into Grafana and Prometheus; its queries name our metrics.
var (
	//go:embed dashboard.json
	grafanaDashboard string
	//go:embed alerts.yaml
	alertRules string
)

type metricsCmd struct {
	Dashboard printCmd `cmd:"" help:"Print a Grafana dashboard of frontdesk's metrics."`
	Alerts    printCmd `cmd:"" help:"Print alert rules for Prometheus."`
}

// AfterApply tells the commands what they print.
func (c *metricsCmd) AfterApply() error {
	c.Dashboard.text, c.Alerts.text = grafanaDashboard, alertRules
	return nil
}

type printCmd struct{ text string }

func (c *printCmd) Run(a *app) error {
	_, err := io.WriteString(a.stdout, c.text)
	return err
}

// newRegistry holds what the parts of frontdesk collect, and what is known of the
// process and of the build.
func newRegistry(parts ...prometheus.Collector) *prometheus.Registry {
	r := prometheus.NewRegistry()
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "frontdesk_build_info", Help: "Always 1; its labels say which frontdesk this is.",
		ConstLabels: prometheus.Labels{"version": version(), "goversion": runtime.Version()},
	})
	build.Set(1)
	r.MustRegister(build, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	r.MustRegister(parts...)
	return r
}

// metricsServer serves /metrics on a listener of its own, which only the
// monitoring reaches. What one part cannot say keeps back nothing of the others.
func metricsServer(r *prometheus.Registry, log *slog.Logger) *http.Server {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(r, promhttp.HandlerOpts{
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn), ErrorHandling: promhttp.ContinueOnError,
		MaxRequestsInFlight: 4, Timeout: 20 * time.Second, EnableOpenMetrics: true,
	}))
	return &http.Server{
		Handler: mux, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10,
	}
}

// serveMetrics begins to serve them, and returns how to stop; without an address it
// does neither.
func serveMetrics(a *app, address string, parts ...prometheus.Collector) (stop func(), err error) {
	if address == "" {
		return func() {}, nil
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen for metrics: %w", err)
	}
	server := metricsServer(newRegistry(parts...), a.log)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			a.log.Error("serve metrics", "error", err)
		}
	}()
	return func() {
		_ = server.Close() // a scrape that is cut off is tried again
		<-ended
	}, nil
}
