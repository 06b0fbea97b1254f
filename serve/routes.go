package serve

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"dsql/sql/code"

	"github.com/cespare/xxhash/v2"
)

// routes are all that is answered.
func (s *server) routes() {
	s.mux = http.NewServeMux()
	s.handle("GET /healthz", "", s.healthz)
	s.handle("GET /readyz", "", s.readyz)
	s.handle("GET /v1/status", "any", s.status)
	s.handle("GET /v1/endpoints/{name}", "endpoints", s.endpoint)
	s.handle("POST /v1/endpoints/{name}", "endpoints", s.endpoint)
	s.handle("GET /metrics", "any", s.metricsAnswer)
	s.handle("GET /openapi.json", "any", s.openAPI)
	s.handle("POST /v1/query", "query", s.query)
	s.handle("POST /quack", "", s.remote) // whose messages have the token
	s.handle("POST /v1/exec", "admin", s.exec)
	for _, version := range []string{"", "/versions/{version}"} {
		s.handle("POST /v1/models/{name}"+version+"/predict", "models", s.predict)
		s.handle("GET /v2/models/{name}"+version, "models", s.v2Model)
		s.handle("GET /v2/models/{name}"+version+"/ready", "models", s.v2ModelReady)
		s.handle("POST /v2/models/{name}"+version+"/infer", "models", s.v2Infer)
	}
	s.handle("GET /v1/models", "any", s.listModels)
	s.handle("GET /v2", "any", s.v2Server)
	s.handle("GET /v2/health/live", "", s.healthz)
	s.handle("GET /v2/health/ready", "", s.readyz)
	s.handle("POST /invocations", "models", s.invocations)
	s.pageRoutes()
	s.handle("/", "", s.nothing)
}

// nothing answers what no route takes.
func (s *server) nothing(w *recorder, r *http.Request) error {
	var allow []string
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		other := r.Clone(r.Context())
		other.Method = method
		if _, pattern := s.mux.Handler(other); pattern != "/" {
			allow = append(allow, method)
		}
	}
	if len(allow) > 0 {
		w.Header().Set("Allow", strings.Join(allow, ", "))
		return refuse(http.StatusMethodNotAllowed, code.WrongMethod, "it takes "+strings.Join(allow, " and "), "%s isn't for %s", r.Method,
			r.URL.Path)
	}
	return refuse(http.StatusNotFound, code.UnknownPath, "/openapi.json lists what there is", "nothing is at %s %s", r.Method, r.URL.Path)
}

// healthz: the process lives.
func (s *server) healthz(w *recorder, _ *http.Request) error {
	answerJSON(w, http.StatusOK, "application/json", map[string]string{"status": "alive"})
	return nil
}

// readyz: the file is as new as its sources, as far as is known.
func (s *server) readyz(w *recorder, _ *http.Request) error {
	word, why := s.state.is()
	status := http.StatusOK
	if !ready[word] {
		status = http.StatusServiceUnavailable
	}
	answerJSON(w, status, "application/json", struct {
		Ready  bool   `json:"ready"`
		State  string `json:"state"`
		Reason string `json:"reason,omitempty"`
	}{status == http.StatusOK, word, why})
	return nil
}

// statusAnswer is how the server is.
type statusAnswer struct {
	State     string    `json:"state"`
	Reason    string    `json:"reason,omitempty"`
	Since     time.Time `json:"since"`
	Began     time.Time `json:"began"`
	File      string    `json:"file"`
	Version   int64     `json:"version"`
	Endpoints []string  `json:"endpoints"`
	Run       struct {
		Versions int64      `json:"versions"`
		Records  int64      `json:"records"`
		Rejected int64      `json:"rejected"`
		Last     *time.Time `json:"last_commit,omitempty"`
		Warnings int64      `json:"warnings"`
		Warning  string     `json:"warning,omitempty"` // the last
	} `json:"run"`
	Readers struct {
		Busy    int64 `json:"busy"`
		Waiting int64 `json:"waiting"`
	} `json:"readers"`
}

func (s *server) status(w *recorder, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), s.o.Limits.Time)
	defer cancel()
	s.use.RLock()
	defer s.use.RUnlock()
	v, err := s.file.looker.view(ctx)
	if err != nil {
		return err
	}
	a := statusAnswer{Began: s.began.UTC(), File: s.o.DB, Version: v.version, Endpoints: append([]string{}, v.names...)}
	a.State, a.Reason = s.state.is()
	st := &s.state
	st.mu.Lock()
	a.Since, a.Run.Versions, a.Run.Records, a.Run.Rejected, a.Run.Warnings = st.since.UTC(), st.versions, st.records, st.rejected, st.warnings
	if !st.last.IsZero() {
		last := st.last.UTC()
		a.Run.Last = &last
	}
	if st.warned != nil {
		a.Run.Warning = st.warned.Error()
	}
	st.mu.Unlock()
	a.Readers.Busy, a.Readers.Waiting = s.file.readers.busy.Load(), s.file.readers.waits.Load()
	w.stamp(v.version)
	answerJSON(w, http.StatusOK, "application/json", a)
	return nil
}

// tagOf is an ETag of texts.
func tagOf(texts ...string) string {
	h := xxhash.New()
	for _, t := range texts {
		_, _ = h.WriteString(t) // a hash takes anything
		_, _ = h.WriteString("\x00")
	}
	return `"` + strconv.FormatUint(h.Sum64(), 36) + `"`
}
