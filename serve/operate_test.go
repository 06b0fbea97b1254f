package serve_test

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"dsql/serve"
)

func TestMetrics(t *testing.T) {
	t.Parallel()
	r := serveFlights(t)
	r.get("/v1/endpoints/counted")
	r.get("/v1/endpoints/nope")
	_, body, _ := r.get("/metrics")
	for _, want := range []string{`dsql_http_requests_total{route="GET /v1/endpoints/{name}",status="200"} 1`,
		`dsql_http_requests_total{route="GET /v1/endpoints/{name}",status="404"} 1`, "dsql_versions_total 1", "dsql_records_total 4",
		"dsql_version 1",
		"dsql_ready 1", "dsql_readers_busy 0", `dsql_http_request_seconds_count{route="GET /v1/endpoints/{name}"} 2`, "go_goroutines "} {
		if !strings.Contains(body, "\n"+want) {
			t.Errorf("no %s", want)
		}
	}
}

func TestOpenAPI(t *testing.T) {
	t.Parallel()
	r := serveFlights(t)
	_, body, _ := r.get("/openapi.json")
	var doc struct {
		OpenAPI string `json:"openapi"`
		Paths   map[string]struct {
			Get struct {
				Parameters []struct {
					Name     string
					Required bool
					Schema   struct{ Type []string }
				}
			}
		}
	}
	if err := json.Unmarshal([]byte(body), &doc); err != nil || doc.OpenAPI != "3.1.0" {
		t.Fatalf("%s: %v", body, err)
	}
	p := doc.Paths["/v1/endpoints/delays"].Get.Parameters
	if len(p) != 2 || p[0].Name != "id" || !p[0].Required || p[0].Schema.Type[0] != "string" || p[1].Required ||
		p[1].Schema.Type[0] != "number" {
		t.Errorf("parameters: %+v", p)
	}
}

// A gate that closes ends nothing: what was committed is served, /readyz says why, and who opens it makes it go on.
func TestGateClosed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, filepath.Join(dir, "in1.csv"), "id\n1\n2\n")
	r := start(t, dir, `CREATE SOURCE f (id BIGINT) FROM FILES ('in*.csv');
		CREATE STREAM s CHECKS (CHECK small EXPECT (max(id) < 10)) FROM f;
		CREATE ENDPOINT n AS SELECT count(*) AS n FROM s`, func(o *serve.Options) { o.Follow, o.Tokens = true, adminToken(t) }).ready()
	put(t, filepath.Join(dir, "in2.csv"), "id\n11\n")
	for {
		if status, body, _ := r.get("/readyz"); status == 503 {
			if !strings.Contains(body, `"state":"gate closed"`) || !strings.Contains(body, "small") {
				t.Errorf("readyz: %s", body)
			}
			break
		}
	}
	auth := []string{"Authorization", "Bearer secret-all"}
	r.want(200, `{"columns":[{"name":"n","type":"BIGINT"}],"rows":[{"n":2}],"version":1}`, "GET", "/v1/endpoints/n", "", auth...)
	if status, body, _ := r.post("/v1/exec", `{"sql":"CREATE STREAM s FROM f; CREATE ENDPOINT n AS SELECT max(id) AS n FROM s"}`,
		"Authorization", "Bearer "+adminSecret); status != 200 {
		t.Fatalf("%d %s", status, body)
	}
	r.ready()
	r.want(200, `{"columns":[{"name":"n","type":"BIGINT"}],"rows":[{"n":11}],"version":2}`, "GET", "/v1/endpoints/n", "", auth...)
}

// A wrong script ends the server before it is one.
func TestWrongScript(t *testing.T) {
	t.Parallel()
	o := serve.Options{Listen: "127.0.0.1:0", Options: optionsOf(t, "CREATE ENDPOINT x AS SELECT a FROM nowhere")}
	if err := serve.Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), "nowhere") {
		t.Errorf("a wrong script: %v", err)
	}
	if m, _ := filepath.Glob(filepath.Join(o.Dir, "*")); len(m) > 0 {
		t.Errorf("it left %v", m)
	}
}
