package serve

import (
	"encoding/json"
	"net/http"

	"dsql/pipeline/event"
	"dsql/sql"
	"dsql/sql/code"
)

// exec answers POST /v1/exec: statements that the writer runs between two batches, as `dsql exec` does on a file that nobody serves.
func (s *server) exec(w *recorder, r *http.Request) error {
	if err := isJSON(r); err != nil {
		return err
	}
	body, err := s.body(w, r)
	if err != nil {
		return err
	}
	var req struct {
		SQL string `json:"sql"`
	}
	if err := json.Unmarshal(body, &req); err != nil {
		return refuse(http.StatusBadRequest, code.BadJSON, `send {"sql": "…"}`, "the body is no statement: %v", err)
	}
	changed := []string{}
	warned := []string{}
	j := &job{sources: []*sql.Source{sql.NewSource("exec", req.SQL)}, done: make(chan error, 1), emit: func(e event.Event) {
		switch e := e.(type) {
		case event.Changed:
			changed = append(changed, e.Change.Action+" "+e.Change.Kind+" "+e.Change.Name)
		case event.Warned:
			warned = append(warned, e.Err.Error())
		}
	}}
	select {
	case s.jobs <- j:
	case <-s.halt:
		return errStopping
	case <-r.Context().Done():
		return r.Context().Err()
	}
	if err := <-j.done; err != nil { // what has begun is waited for
		return refusalOf(r.Context(), err)
	}
	answerJSON(w, http.StatusOK, "application/json", struct {
		Changed  []string `json:"changed"`
		Warnings []string `json:"warnings"`
	}{changed, warned})
	return nil
}
