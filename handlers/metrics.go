package handlers

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics count the requests, for Prometheus.
type metrics struct {
	requests  *prometheus.CounterVec
	times     *prometheus.HistogramVec
	listeners prometheus.GaugeFunc
	under     prometheus.GaugeFunc
	turned    *prometheus.CounterVec

	assets     prometheus.Counter // those of the requests that were for an asset, and found it
	assetTimes prometheus.Observer
}

func newMetrics(h *Handlers) metrics {
	turned := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "frontdesk_http_requests_turned_away_total",
		Help: "Requests answered with 503 because too many were under way: for a page, or for a stream of events.",
	}, []string{"for"})
	for _, what := range []string{"page", "stream"} { // from 0 on, so that the first one is an increase
		turned.WithLabelValues(what)
	}
	m := metrics{
		turned: turned,
		under: prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "frontdesk_http_requests_under_way",
			Help: "Requests that are worked on, streams of events left aside.",
		}, func() float64 { return float64(h.crowd.under.Load()) }),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "frontdesk_http_requests_total",
			Help: "Requests answered, by route and status. Pages that a browser fetched ahead count as others do.",
		}, []string{"route", "status"}),
		times: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "frontdesk_http_request_duration_seconds",
			Help:    "How long requests took, from their header to the end of the answer. Streams of events, which last as long as a page is open, are left out.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}, []string{"route"}),
		listeners: prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "frontdesk_http_event_streams",
			Help: "Pages that are open and kept up to date by a stream of events.",
		}, func() float64 { return float64(h.listeners.Load()) }),
	}
	m.assets, m.assetTimes = m.requests.WithLabelValues(assetRoute, statusText(http.StatusOK)), m.times.WithLabelValues(assetRoute)
	return m
}

// assetRoute is the assets' in the metrics.
const assetRoute = "GET /static/{file}"

// asset counts an asset that was asked for.
func (m metrics) asset(status int, took time.Duration) {
	if status == http.StatusOK {
		m.assets.Inc()
	} else {
		m.requests.WithLabelValues(assetRoute, statusText(status)).Inc()
	}
	m.assetTimes.Observe(took.Seconds())
}

// statusText is a status as the metrics have it.
func statusText(status int) string {
	switch status {
	case http.StatusOK, 0:
		return "200"
	case http.StatusNotModified:
		return "304"
	}
	return strconv.Itoa(status)
}

// answered counts a request. Its route is one of ours and no path, which anybody
// could make up.
func (m metrics) answered(w http.ResponseWriter, r *http.Request, route string, status int, took time.Duration) {
	switch {
	case strings.HasPrefix(r.URL.Path, "/static/"):
		route = assetRoute
	case route == "":
		route = "none"
	}
	m.requests.WithLabelValues(route, statusText(status)).Inc()
	if !strings.HasPrefix(w.Header().Get("Content-Type"), "text/event-stream") {
		m.times.WithLabelValues(route).Observe(took.Seconds())
	}
}

// Describe implements prometheus.Collector.
func (h *Handlers) Describe(descs chan<- *prometheus.Desc) {
	h.metrics.requests.Describe(descs)
	h.metrics.times.Describe(descs)
	h.metrics.listeners.Describe(descs)
	h.metrics.under.Describe(descs)
	h.metrics.turned.Describe(descs)
}

// Collect implements prometheus.Collector: the requests since the start by route and
// status, how long they took, those under way, those turned away, and the pages that
// are kept up to date.
func (h *Handlers) Collect(all chan<- prometheus.Metric) {
	h.metrics.requests.Collect(all)
	h.metrics.times.Collect(all)
	h.metrics.listeners.Collect(all)
	h.metrics.under.Collect(all)
	h.metrics.turned.Collect(all)
}
