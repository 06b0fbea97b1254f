package serve_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dsql/internal/testcases"
	"dsql/serve"
)

// LOG INTO keeps each answer with what it was made of; with SYNC it is there before the client has it.
func TestLogInto(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, filepath.Join(dir, "f.csv"), flightRows)
	put(t, filepath.Join(dir, "late.txt"), testcases.Stump(15, -1, 1))
	r := start(t, dir, `CREATE SOURCE f (id VARCHAR, delay DOUBLE, day DATE) FROM FILES ('f.csv');
		CREATE STREAM flights FROM f; CREATE MODEL late FROM 'late.txt';
		CREATE ENDPOINT risk (id VARCHAR, x DOUBLE DEFAULT 1.0) LOG INTO risk_log SYNC AS SELECT id, late(delay, $x) AS risk FROM flights WHERE id = $id;
		CREATE ENDPOINT later LOG INTO risk_log AS SELECT 1 AS one;
		CREATE ENDPOINT logged AS SELECT endpoint, version, request, answer, models, logged_at > TIMESTAMP '2020-01-01' AND ms > 0 AS fine
		  FROM risk_log ORDER BY logged_at;
		CREATE ENDPOINT n AS SELECT count(*) AS n FROM risk_log`).ready()
	const answer = `{"columns":[{"name":"id","type":"VARCHAR"},{"name":"risk","type":"DOUBLE"}],"rows":[{"id":"C","risk":1.0}],"version":1}`
	r.want(200, answer, "POST", "/v1/endpoints/risk", `{"id":"C"}`)
	r.want(200, `[{"row":0,"rows":[{"id":"C","risk":1.0}]},{"row":1,"rows":[]}]`, "POST", "/v1/endpoints/risk", `[{"id":"C"},{"id":"Z"}]`)
	r.want(200, "id,risk\nC,1.0", "GET", "/v1/endpoints/risk?id=C", "", "Accept", "text/csv")
	if status, _, _ := r.post("/v1/endpoints/risk", `{"idd":"C"}`); status != 400 {
		t.Errorf("%d", status)
	}
	const models = `,"models":[{"name":"late","version":1}],"fine":true}`
	_, body, _ := r.get("/v1/endpoints/logged")
	for _, want := range []string{
		`"rows":[{"endpoint":"risk","version":1,"request":{"id":"C"},"answer":` + answer + models,
		`,{"endpoint":"risk","version":1,"request":[{"id":"C"},{"id":"Z"}],"answer":[{"row":0,"rows":[{"id":"C","risk":1.0}]},{"row":1,"rows":[]}]` + models,
		`,{"endpoint":"risk","version":1,"request":{"id":"C"},"answer":"id,risk\nC,1.0\n"` + models + `],"version":1}`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("%s\nhas not\n%s", body, want)
		}
	}
	r.want(200, `{"columns":[{"name":"one","type":"INTEGER"}],"rows":[{"one":1}],"version":1}`, "GET", "/v1/endpoints/later", "")
	for end := time.Now().Add(20 * time.Second); ; {
		if _, body, _ := r.get("/v1/endpoints/n"); strings.Contains(body, `{"n":4}`) {
			break
		}
		if time.Now().After(end) {
			t.Fatal("an answer never got into the log")
		}
	}
	r.get("/v1/endpoints/later") // at the end what waits is written
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	again := start(t, dir, "", func(o *serve.Options) { o.Scripts = nil }).ready()
	again.want(200, `{"columns":[{"name":"n","type":"BIGINT"}],"rows":[{"n":5}],"version":1}`, "GET", "/v1/endpoints/n", "")
}
