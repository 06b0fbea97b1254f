package serve

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics are what /metrics tells Prometheus.
type metrics struct {
	handler  http.Handler
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	found    prometheus.Counter
	scanned  prometheus.Counter
	kept     prometheus.Counter
}

func newMetrics(s *server) *metrics {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "dsql_http_requests_total", Help: "Requests, by route and status."},
			[]string{"route", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "dsql_http_request_seconds", Help: "How long answers took, by route.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}}, []string{"route"}),
	}
	r := prometheus.NewRegistry()
	lookups := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "dsql_lookups_total",
		Help: "Requests to endpoints that look rows up by key, by way: index, table, or kept where the answer was."}, []string{"way"})
	m.found, m.scanned, m.kept = lookups.WithLabelValues("index"), lookups.WithLabelValues("table"), lookups.WithLabelValues("kept")
	r.MustRegister(lookups, m.requests, m.seconds, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	counter := func(name, help string, f func(*state) float64) {
		r.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, func() float64 { return s.state.read(f) }))
	}
	gauge := func(name, help string, f func() float64) {
		r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, f))
	}
	counter("dsql_versions_total", "Versions that this process committed.", func(s *state) float64 { return float64(s.versions) })
	counter("dsql_records_total", "Records of sources in them.", func(s *state) float64 { return float64(s.records) })
	counter("dsql_rejected_total", "Rows that were rejected.", func(s *state) float64 { return float64(s.rejected) })
	counter("dsql_warnings_total", "Warnings of the run.", func(s *state) float64 { return float64(s.warnings) })
	gauge("dsql_last_commit_seconds", "When the last version was committed, in seconds since 1970; 0: none was.", func() float64 {
		return s.state.read(func(s *state) float64 {
			if s.last.IsZero() {
				return 0
			}
			return float64(s.last.UnixMilli()) / 1000
		})
	})
	gauge("dsql_ready", "1 where /readyz says 200.", func() float64 {
		if word, _ := s.state.is(); ready[word] {
			return 1
		}
		return 0
	})
	of := func(f func(*file) int64) func() float64 {
		return func() float64 {
			s.use.RLock()
			defer s.use.RUnlock()
			return float64(f(s.file))
		}
	}
	gauge("dsql_quack_sessions", "Connections by quack.", func() float64 { _, n := s.quack.Open(); return float64(n) })
	gauge("dsql_quack_open", "Results and transactions of quack that stay open.", func() float64 { n, _ := s.quack.Open(); return float64(n) })
	gauge("dsql_version", "The newest version that was served.", of(func(f *file) int64 { return f.looker.now.Load().version }))
	gauge("dsql_readers_busy", "Requests that read the file.",
		of(func(f *file) int64 { return f.readers.busy.Load() + f.strangers.busy.Load() }))
	gauge("dsql_readers_waiting", "Requests that wait for a connection.", of(func(f *file) int64 {
		return f.readers.waits.Load() + f.strangers.waits.Load()
	}))
	gauge("dsql_log_waiting", "Answers that aren't in their table of LOG INTO yet.",
		of(func(f *file) int64 { return int64(len(f.answers.queue)) }))
	r.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "dsql_queries_stopped_total",
		Help: "Queries that were stopped because they took memory, or room for temporary files, that is kept for the writer."},
		func() float64 { return float64(s.stopped.Load()) }))
	r.MustRegister(times{s})
	m.handler = promhttp.HandlerFor(r, promhttp.HandlerOpts{})
	return m
}

// read reads a number of the state.
func (s *state) read(f func(*state) float64) float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return f(s)
}

// looked counts a request to an endpoint with look-ups.
func (m *metrics) looked(a asking) {
	if a.rows != nil {
		m.found.Inc()
	} else {
		m.scanned.Inc()
	}
}

func (m *metrics) done(w *recorder, began time.Time) {
	route, status := w.route, w.status
	if route == "" {
		route = "/"
	}
	if status == 0 {
		status = http.StatusOK
	}
	m.requests.WithLabelValues(route, strconv.Itoa(status)).Inc()
	m.seconds.WithLabelValues(route).Observe(time.Since(began).Seconds())
}

func (s *server) metricsAnswer(w *recorder, r *http.Request) error {
	s.metrics.handler.ServeHTTP(w, r)
	return nil
}
