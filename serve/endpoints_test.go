package serve_test

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"dsql/serve"
)

const flights = `
	CREATE SOURCE f (id VARCHAR, delay DOUBLE, day DATE) FROM FILES ('f.csv');
	CREATE STREAM flights FROM f;
	CREATE ENDPOINT delays (id VARCHAR, at_least DOUBLE DEFAULT 0.0) AS
	  SELECT id, delay FROM flights WHERE id = $id AND delay >= $at_least;
	CREATE ENDPOINT newest (n INTEGER DEFAULT 2, ids VARCHAR[] DEFAULT [], since DATE DEFAULT DATE '2020-01-01') AS
	  SELECT id, day FROM flights WHERE day >= $since AND (len($ids) = 0 OR list_contains($ids, id)) ORDER BY day DESC, id LIMIT $n;
	CREATE ENDPOINT echo (d DECIMAL(5, 2) DEFAULT 1.5, t TIMESTAMP DEFAULT NULL, s STRUCT(a INTEGER, b VARCHAR) DEFAULT NULL, ` +
	`j JSON DEFAULT '{}', b BOOLEAN DEFAULT true,
	  u UUID DEFAULT NULL) AS SELECT $d AS d, $t AS t, $s AS s, $j AS j, $b AS b, $u AS u, 'NaN'::DOUBLE AS x, 1.5::FLOAT AS y, 'a"b' AS "q ""q", NULL AS n;
	CREATE ENDPOINT counted AS SELECT count(*) AS n FROM flights`

const flightRows = "id,delay,day\nA,1.5,2025-01-01\nB,,2025-01-02\nC,30,2025-01-03\nA,2.5,2025-01-04\n"

func serveFlights(t *testing.T, change ...func(*serve.Options)) *running {
	dir := t.TempDir()
	put(t, filepath.Join(dir, "f.csv"), flightRows)
	return start(t, dir, flights, change...).ready()
}

func TestEndpoints(t *testing.T) {
	t.Parallel()
	r := serveFlights(t)
	const head = `{"columns":[{"name":"id","type":"VARCHAR"},{"name":"delay","type":"DOUBLE"}],"rows":[`
	r.want(200, head+`{"id":"A","delay":1.5},{"id":"A","delay":2.5}],"version":1}`, "GET", "/v1/endpoints/delays?id=A", "")
	r.want(200, head+`{"id":"A","delay":2.5}],"version":1}`, "GET", "/v1/endpoints/DELAYS?id=A&at_least=2", "")
	r.want(200, head+`],"version":1}`, "POST", "/v1/endpoints/delays", `{"id":"Z"}`)
	r.want(200, head+`],"version":1}`, "POST", "/v1/endpoints/delays", `{"id":null}`)
	r.want(200, `[{"row":0,"rows":[{"id":"A","delay":2.5}]},{"row":1,"rows":[]},{"row":2,"rows":[{"id":"C","delay":30.0}]}]`,
		"POST", "/v1/endpoints/delays", `[{"id":"A","at_least":2},{"id":"Z"},{"id":"C","at_least":3e1}]`)
	r.want(200, `[]`, "POST", "/v1/endpoints/delays", `[]`)
	r.want(200, "row,id,delay\n0,A,2.5\n2,C,30.0", "POST", "/v1/endpoints/delays", `[{"id":"A","at_least":2},{"id":"Z"},{"id":"C"}]`, "Accept",
		"text/csv")
	r.want(200, "id,delay\nC,30.0", "GET", "/v1/endpoints/delays?id=C", "", "Accept", "text/csv;q=0.9, application/json;q=0.1")
	// what is ordered is asked row by row, of one version
	r.want(200, `[{"row":0,"rows":[{"id":"A","day":"2025-01-04"}]},{"row":1,"rows":[{"id":"C","day":"2025-01-03"},{"id":"B","day":"2025-01-02"}]},`+
		`{"row":2,"rows":[{"id":"A","day":"2025-01-04"},{"id":"C","day":"2025-01-03"}]}]`,
		"POST", "/v1/endpoints/newest", `[{"n":1},{"ids":["B","C"]},{"since":"2025-01-03T00:00:00Z"}]`)
	r.want(200, "id,day\nB,2025-01-02", "GET", "/v1/endpoints/newest?ids=%5B%22B%22%5D", "", "Accept", "text/*")
	const echo = `{"columns":[{"name":"d","type":"DECIMAL(5,2)"},{"name":"t","type":"TIMESTAMP"},{"name":"s","type":"STRUCT(a INTEGER, b VARCHAR)"},` +
		`{"name":"j","type":"JSON"},{"name":"b","type":"BOOLEAN"},{"name":"u","type":"UUID"},{"name":"x","type":"DOUBLE"},{"name":"y","type":"FLOAT"},` +
		`{"name":"q \"q","type":"VARCHAR"},{"name":"n","type":"INTEGER"}],"rows":[{`
	const rest = `"x":"NaN","y":1.5,"q \"q":"a\"b","n":null}],"version":1}`
	r.want(200, echo+`"d":1.5,"t":null,"s":null,"j":{},"b":true,"u":null,`+rest, "POST", "/v1/endpoints/echo", "")
	r.want(200, echo+`"d":12.3,"t":"2024-12-31 22:00:00","s":{"a":1,"b":null},"j":{"x":[1.10]},"b":false,"u":"6f2b9e3a-1111-4222-8333-444455556666",`+rest,
		"POST", "/v1/endpoints/echo",
		`{"d":"12.3","t":"2025-01-01T00:00:00+02:00","s":{"a":1.0},"j":{"x": [1.10]},"b":"no","u":"6F2B9E3A-1111-4222-8333-444455556666"}`)
	r.want(200, `[{"row":0,"rows":[{"n":4}]},{"row":1,"rows":[{"n":4}]}]`, "POST", "/v1/endpoints/counted", `[{},{}]`)
}

// What a request gives that can't be taken is said with its status, code and name.
func TestEndpointsRefuse(t *testing.T) {
	t.Parallel()
	r := serveFlights(t)
	for _, c := range []struct {
		status             int
		code, detail       string
		method, path, send string
		header             []string
	}{
		{400, "missing-parameter", "the parameter id is missing", "GET", "/v1/endpoints/delays", "", nil},
		{400, "unknown-parameter", "endpoint delays has no parameter atleast", "GET", "/v1/endpoints/delays?id=A&atleast=1", "", nil},
		{400, "unknown-parameter", "endpoint counted has no parameter x", "POST", "/v1/endpoints/counted", `{"x":1}`, nil},
		{400, "bad-parameter", "the parameter id is given 2 times", "GET", "/v1/endpoints/delays?id=A&id=B", "", nil},
		{400, "bad-parameter", `at_least: \"x\" is no DOUBLE`, "GET", "/v1/endpoints/delays?id=A&at_least=x", "", nil},
		{400, "bad-parameter", `at_least: \"\" is no DOUBLE`, "GET", "/v1/endpoints/delays?id=A&at_least=", "", nil},
		{400, "bad-parameter", `n: 1.7 has digits that INTEGER would lose`, "POST", "/v1/endpoints/newest", `{"n":1.7}`, nil},
		{400, "bad-parameter", `n: 3000000000 is out of range for INTEGER`, "POST", "/v1/endpoints/newest", `{"n":3000000000}`, nil},
		{400, "bad-parameter", `row 1: id is named twice`, "POST", "/v1/endpoints/delays", `[{"id":"A"},{"id":"A","id":"B"}]`, nil},
		{400, "bad-parameter", `not JSON: it ends too early`, "POST", "/v1/endpoints/delays", `{"id":"A"`, nil},
		{400, "bad-parameter", `not an object: 7`, "POST", "/v1/endpoints/delays", `7`, nil},
		{400, "bad-json", `the body is no JSON: unexpected end of JSON input`, "POST", "/v1/endpoints/delays", `[{"id":"A"}`, nil},
		{400, "unknown-parameter", "endpoint echo has no parameter c", "POST", "/v1/endpoints/echo", `{"s":{"c":1}}`, nil},
		{404, "unknown-name", "there is no endpoint delay", "GET", "/v1/endpoints/delay?id=A", "", nil},
		{404, "unknown-path", "nothing is at GET /v1/endpoints/", "GET", "/v1/endpoints/", "", nil},
		{405, "wrong-method", "DELETE isn't for /v1/endpoints/delays", "DELETE", "/v1/endpoints/delays", "", nil},
		{406, "not-acceptable", "no answer is of the types in Accept: image/png", "GET", "/v1/endpoints/delays?id=A", "",
			[]string{"Accept", "image/png"}},
		{415, "media-type", `a body of type \"text/plain\" isn't taken`, "POST", "/v1/endpoints/delays", `{"id":"A"}`,
			[]string{"Content-Type", "text/plain"}},
		{415, "content-encoding", `a body in \"gzip\" isn't taken`, "POST", "/v1/endpoints/delays", "\x1f\x8b",
			[]string{"Content-Encoding", "gzip"}},
		{413, "too-large", "the body has more than 16777216 bytes", "POST", "/v1/endpoints/delays", strings.Repeat(" ", 17<<20), nil},
		{413, "too-large", "row 2048: a request has at most 2048 rows of parameters, and 8 MB of them", "POST", "/v1/endpoints/counted",
			"[" + strings.Repeat("{},", 2048) + "{}]", nil},
	} {
		status, body, _ := r.do(c.method, c.path, c.send, append([]string{"Content-Type", "application/json"}, c.header...)...)
		want := `"detail":"` + c.detail + `","code":"` + c.code + `"`
		if status != c.status || c.code != "" && !strings.Contains(body, want) {
			t.Errorf("%s %s %.60s: %d %s\nwant %d %s", c.method, c.path, c.send, status, body, c.status, want)
		}
	}
	if !strings.Contains(r.log.String(), `"path":"/v1/endpoints/delays","status":413,`) {
		t.Error("a request isn't in the log")
	}
}

// The tag of an answer is that of its state: the same state says 304, another one answers.
func TestETag(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, filepath.Join(dir, "f.csv"), flightRows)
	r := start(t, dir, strings.ReplaceAll(flights, "f.csv", "*.csv")+`; CREATE ENDPOINT clock AS SELECT now() AS now;
		CREATE VIEW outside AS FROM read_csv('*.csv'); CREATE MACRO counted() AS (SELECT count(*) FROM outside);
		CREATE ENDPOINT viewed AS SELECT count(*) AS n FROM outside; CREATE ENDPOINT called AS SELECT counted() AS n;
		CREATE ENDPOINT a_file AS SELECT count(*) AS n FROM 'f.csv'`,
		func(o *serve.Options) { o.Follow = true }).ready()
	status, _, h := r.get("/v1/endpoints/counted")
	tag := h.Get("ETag")
	if status != 200 || tag == "" {
		t.Fatalf("%d, ETag %q", status, tag)
	}
	if status, body, h := r.get("/v1/endpoints/counted", "If-None-Match", tag); status != http.StatusNotModified || body != "" ||
		h.Get("dsql-version") != "1" {
		t.Errorf("the same state: %d %s", status, body)
	}
	for _, known := range []string{"*", "W/" + tag, `"other", W/` + tag + `, "x"`} {
		if status, _, h := r.get("/v1/endpoints/counted", "If-None-Match", known); status != http.StatusNotModified || h.Get("ETag") != tag {
			t.Errorf("If-None-Match: %s: %d", known, status)
		}
	}
	if status, _, h := r.do(http.MethodHead, "/v1/endpoints/counted", ""); status != 200 || h.Get("ETag") != tag || h.Get("dsql-version") != "1" {
		t.Errorf("HEAD: %d %v", status, h)
	}
	if status, _, _ := r.get("/v1/endpoints/counted", "If-None-Match", tag[:4]+`"`); status != 200 {
		t.Errorf("another tag: %d", status)
	}
	for _, name := range []string{"clock", "viewed", "called", "a_file"} {
		if status, _, h := r.get("/v1/endpoints/" + name); status != 200 || h.Get("ETag") != "" {
			t.Errorf("an answer that has the time, or what stands outside of the file, has a tag: %s", name)
		}
	}
	put(t, filepath.Join(dir, "g.csv"), flightRows)
	for version(r) == 1 {
	}
	r.want(200, `{"columns":[{"name":"n","type":"BIGINT"}],"rows":[{"n":8}],"version":2}`, "GET", "/v1/endpoints/counted", "", "If-None-Match",
		tag)
}
