package serve

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// metrics are what /metrics tells Prometheus and the server counts itself.
type metrics struct {
	found, scanned, kept atomic.Int64 // look-ups by key, by way

	mu       sync.Mutex
	requests map[answered]int64
	seconds  map[string]*histogram // by route
}

// answered is a route and a status.
type answered struct {
	route  string
	status int
}

func newMetrics() *metrics {
	return &metrics{requests: map[answered]int64{}, seconds: map[string]*histogram{}}
}

// looked counts a request to an endpoint with look-ups.
func (m *metrics) looked(a asking) {
	if a.rows != nil {
		m.found.Add(1)
	} else {
		m.scanned.Add(1)
	}
}

func (m *metrics) done(w *recorder, began time.Time) {
	a := answered{cmp.Or(w.route, "/"), cmp.Or(w.status, http.StatusOK)}
	took := time.Since(began)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.requests[a]++
	if m.seconds[a.route] == nil {
		m.seconds[a.route] = &histogram{}
	}
	m.seconds[a.route].observe(took)
}

// tell writes what is counted.
func (m *metrics) tell(e *exposition) {
	e.family("dsql_lookups_total", "counter",
		"Requests to endpoints that look rows up by key, by way: index, table, or kept where the answer was.")
	e.sample("dsql_lookups_total", float64(m.found.Load()), "way", "index")
	e.sample("dsql_lookups_total", float64(m.kept.Load()), "way", "kept")
	e.sample("dsql_lookups_total", float64(m.scanned.Load()), "way", "table")
	m.mu.Lock()
	defer m.mu.Unlock()
	e.family("dsql_http_requests_total", "counter", "Requests, by route and status.")
	for _, a := range slices.SortedFunc(maps.Keys(m.requests), func(a, b answered) int {
		return cmp.Or(cmp.Compare(a.route, b.route), cmp.Compare(a.status, b.status))
	}) {
		e.sample("dsql_http_requests_total", float64(m.requests[a]), "route", a.route, "status", strconv.Itoa(a.status))
	}
	e.family("dsql_http_request_seconds", "histogram", "How long answers took, by route.")
	for _, route := range slices.Sorted(maps.Keys(m.seconds)) {
		e.histogram("dsql_http_request_seconds", m.seconds[route], "route", route)
	}
}

func (s *server) metricsAnswer(w *recorder, r *http.Request) error {
	var e exposition
	s.metrics.tell(&e)
	s.state.tell(&e)
	s.tellFile(&e)
	e.process(s.began)
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	_, err := fmt.Fprint(w, e.String())
	return err
}

// tell writes what the writer came to.
func (s *state) tell(e *exposition) {
	word, _ := s.is()
	s.mu.Lock()
	defer s.mu.Unlock()
	e.only("dsql_versions_total", "counter", "Versions that this process committed.", float64(s.versions))
	e.only("dsql_records_total", "counter", "Records of sources in them.", float64(s.records))
	e.only("dsql_rejected_total", "counter", "Rows that were rejected.", float64(s.rejected))
	e.only("dsql_warnings_total", "counter", "Warnings of the run.", float64(s.warnings))
	last := 0.0
	if !s.last.IsZero() {
		last = float64(s.last.UnixMilli()) / 1000
	}
	e.only("dsql_last_commit_seconds", "gauge", "When the last version was committed, in seconds since 1970; 0: none was.", last)
	is := 0.0
	if ready[word] {
		is = 1
	}
	e.only("dsql_ready", "gauge", "1 where /readyz says 200.", is)
}

// tellFile writes who reads the file.
func (s *server) tellFile(e *exposition) {
	open, sessions := s.quack.Open()
	e.only("dsql_quack_sessions", "gauge", "Connections by quack.", float64(sessions))
	e.only("dsql_quack_open", "gauge", "Results and transactions of quack that stay open.", float64(open))
	s.use.RLock()
	defer s.use.RUnlock()
	f := s.file
	e.only("dsql_version", "gauge", "The newest version that was served.", float64(f.looker.now.Load().version))
	e.only("dsql_readers_busy", "gauge", "Requests that read the file.", float64(f.readers.busy.Load()+f.strangers.busy.Load()))
	e.only("dsql_readers_waiting", "gauge", "Requests that wait for a connection.",
		float64(f.readers.waits.Load()+f.strangers.waits.Load()))
	e.only("dsql_log_waiting", "gauge", "Answers that aren't in their table of LOG INTO yet.", float64(len(f.answers.queue)))
}
