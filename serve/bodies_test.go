package serve_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dsql/internal/testcases"
	"dsql/serve"
)

// What a body may not be: a table of paths and bodies, with the status and what is told. Behind each the server answers the next.
func TestBadBodies(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, filepath.Join(dir, "f.csv"), flightRows)
	put(t, filepath.Join(dir, "late.txt"), testcases.Stump(15, -1, 1))
	r := start(t, dir, flights+`; CREATE MODEL late FROM 'late.txt';
		CREATE ENDPOINT "déjà vu" ("ein Wert" INTEGER) AS SELECT $"ein Wert" + $"EIN WERT" AS n;
		CREATE ENDPOINT deep (x STRUCT(a INTEGER[], b MAP(VARCHAR, DOUBLE)) DEFAULT NULL) AS SELECT $x AS x`).ready()
	for _, c := range []struct {
		path, body string
		status     int
		told       string
	}{
		{"/v1/endpoints/delays", `{"id":"A","nope":1}`, 400, `"code":"unknown-parameter"`},
		{"/v1/endpoints/delays", `{"id":"A","At_Least":"x"}`, 400, `is no DOUBLE`},
		{"/v1/endpoints/delays", `{"id":["A"]}`, 200, `"rows":[]`}, // VARCHAR takes the text of what is nested,
		{"/v1/endpoints/delays", `{}`, 400, `"code":"missing-parameter"`},
		{"/v1/endpoints/delays", `{"id":"A","id":"B"}`, 400, `"code":`},
		{"/v1/endpoints/delays", `{"id":"A"`, 400, `"code":`},
		{"/v1/endpoints/delays", `{"id":"A"} {"id":"B"}`, 400, `"code":`},
		{"/v1/endpoints/delays", "{\"id\":\"\xff\"}", 400, `"code":`},
		{"/v1/endpoints/delays", `[{"id":"A"},1]`, 400, `"code":`},
		{"/v1/endpoints/delays", `"A"`, 400, `"code":`},
		{"/v1/endpoints/delays", ``, 400, `"code":`},
		{"/v1/endpoints/delays", "PAR1\x00\x00ARROW1", 400, `"code":`},
		{"/v1/endpoints/d%C3%A9j%C3%A0%20vu", `{"ein Wert":4}`, 200, `"rows":[{"n":8}]`},
		{"/v1/endpoints/deep", `{"x":{"a":[1,"x"]}}`, 400, `"code":"bad-parameter"`},
		{"/v1/endpoints/deep", `{"x":{"c":1}}`, 400, `"code":"unknown-parameter"`},
		{"/v1/endpoints/deep", `{"x":{"a":[1e99]}}`, 400, `"code":"bad-parameter"`},
		{"/v1/query", `{"sql":"SELECT 1"} x`, 400, `"code":"bad-json"`},
		{"/v1/query", `{"sql":"SELECT 1","limit":1e400}`, 400, `"code":"bad-json"`},
		{"/v1/query", `{"sql":"SELECT $a","params":{"a":{}}}`, 400, `"code":"bad-parameter"`},
		{"/v1/query", "{\"sql\":\"SELECT '\xff\xfe'\"}", 400, `"code":"bad-json"`},
		{"/v1/query", `{"sql":"SELECT 'a` + "\\u0000" + `b'"}`, 422, `"code":`},
		{"/v1/models/late/predict", `{"dep_delay":{}}`, 400, `"code":"bad-parameter"`},
		{"/v1/models/late/predict", `{"rows":1}`, 400, `"code":`},
		{"/v1/models/late/predict", `{"rows":[[1]]}`, 400, `"code":`},
		{"/v1/models/late/versions/9/predict", `{}`, 404, `"code":`},
		{"/v1/models/late/versions/x/predict", `{}`, 404, `"code":`},
		{"/v2/models/late/infer", `{"inputs":[{"name":"x","shape":[-1],"datatype":"FP64","data":[1]}]}`, 400, `"code":"bad-parameter"`},
		{"/v2/models/late/infer", `{"inputs":[{"name":"x","shape":[9999999999,9999999999],"datatype":"FP64","data":[1]}]}`, 400, `"code":"bad-parameter"`},
		{"/v2/models/late/infer", `{"inputs":[]}`, 400, `"code":"bad-parameter"`},
		{"/v2/models/late/infer", `{"inputs":[{"name":"dep_delay","shape":[1],"datatype":"FP99","data":[1]}]}`, 400, `no datatype of the protocol`},
		{"/v2/models/late/infer", `{"inputs":[{"name":"dep_delay","shape":[1],"datatype":"FP64","data":[1]}],"outputs":[{"name":"x"}]}`, 400,
			`"error":"the model late has no output x"`},
		{"/v1/query", `{"sql":"SELECT 1` + strings.Repeat("+1", 1<<19) + `"}`, 413, `"detail":"a statement has at most 1048576 bytes"`},
		{"/v1/query", `{"sql":"SELECT 1 AS a, 2 AS a, 3 AS a_1, 4 AS a, 5 AS a_1, 6 AS A"}`, 200,
			`"rows":[{"a":1,"a_1":2,"a_1_1":3,"a_2":4,"a_1_2":5,"A":6}]`},
		{"/v1/query", `[]`, 400, `the body is no query: it is of type array"`},
		{"/v1/query", `{"sql":"SELECT 1","limit":"x"}`, 400, `the body is no query: limit is of type string"`},
		{"/invocations?model=late", `{"dataframe_split":{"columns":["dep_delay"],"data":[[1,2]]}}`, 400, `"code":`},
		{"/invocations?model=late", `{"dataframe_split":{"columns":["nope"],"data":[[1]]}}`, 400, `"code":`},
		{"/invocations", `{}`, 400, `"code":`},
	} {
		if status, body, _ := r.post(c.path, c.body); status != c.status || !strings.Contains(body, c.told) {
			t.Errorf("%s %.80s: %d %.300s, want %d %s", c.path, c.body, status, body, c.status, c.told)
		}
	}
	for _, path := range []string{"/v1/endpoints/delays?id=A&id=B", "/v1/endpoints/delays?id=A&x=%ff", "/v1/endpoints/delays?id=%ff",
		"/v1/endpoints/delays?id=A;b", "/v1/endpoints/delays?%gg"} {
		if status, body, _ := r.get(path); status != 400 {
			t.Errorf("%s: %d %.300s", path, status, body)
		}
	}
	r.alive()
}

// alive: the server answers.
func (r *running) alive() {
	r.t.Helper()
	r.want(200, `{"columns":[{"name":"n","type":"BIGINT"}],"rows":[{"n":4}],"version":1}`, "GET", "/v1/endpoints/counted", "")
}

// Bodies that are too long, packed, of another type or without an end.
func TestLargeBodies(t *testing.T) {
	t.Parallel()
	r := serveFlights(t, func(o *serve.Options) { o.Limits.Body = 1 << 20; o.Limits.Slow = 2 * time.Second })
	paths := []string{"/v1/query", "/v1/endpoints/delays", "/quack", "/v1/exec", "/v1/models/x/predict", "/v2/models/x/infer", "/invocations?model=x"}
	for _, path := range paths {
		for name, length := range map[string]int64{"chunked": -1, "by length": 100 << 20} {
			body := io.LimitReader(zeros{}, 100<<20)
			req, err := http.NewRequest(http.MethodPost, r.url+path, body)
			if err != nil {
				t.Fatal(err)
			}
			req.ContentLength = length
			req.Header.Set("Content-Type", "application/json")
			res, err := http.DefaultClient.Do(req)
			if err != nil { // the server hangs up on who goes on sending
				continue
			}
			b, _ := io.ReadAll(res.Body)
			res.Body.Close()
			if res.StatusCode != 413 && res.StatusCode != 404 && res.StatusCode != 403 {
				t.Errorf("%s %s: %d %s", path, name, res.StatusCode, b)
			}
		}
	}
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	if _, err := io.CopyN(z, zeros{}, 50<<20); err != nil {
		t.Fatal(err)
	}
	z.Close()
	for _, path := range []string{"/v1/query", "/v1/endpoints/delays", "/quack"} {
		if status, body, _ := r.post(path, bomb.String(), "Content-Encoding", "gzip"); status != 415 {
			t.Errorf("%s packed: %d %s", path, status, body)
		}
	}
	if status, body, _ := r.post("/v1/query", "<a/>", "Content-Type", "text/xml"); status != 415 {
		t.Errorf("xml: %d %s", status, body)
	}
	slow, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close()
	fmt.Fprintf(slow, "POST /v1/query HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n")
	_ = slow.SetReadDeadline(time.Now().Add(20 * time.Second))
	if b, err := io.ReadAll(slow); err != nil || !strings.HasPrefix(string(b), "HTTP/1.1 408 ") {
		t.Errorf("a body without an end: %.100s %v", b, err)
	}
	r.alive()
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = '0'
	}
	return len(b), nil
}

// Headers that say more than they should change no answer and no line of the log.
func TestHeaders(t *testing.T) {
	t.Parallel()
	r := serveFlights(t)
	host := strings.TrimPrefix(r.url, "http://")
	raw := func(text string) string {
		c, err := net.Dial("tcp", host)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_, _ = io.WriteString(c, text)
		_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
		b, _ := io.ReadAll(c)
		return string(b)
	}
	for _, path := range []string{"/v1/endpoints/x%0d%0aSet-Cookie:%20a=b", "/%0d%0a%0d%0a<script>", "/v1/endpoints/delays?id=%0d%0aX-Bad:%201"} {
		got := raw("GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
		head, _, _ := strings.Cut(got, "\r\n\r\n")
		if strings.Contains(head, "Set-Cookie") || strings.Contains(head, "X-Bad") || !strings.Contains(head, "X-Content-Type-Options: nosniff") {
			t.Errorf("%s: %s", path, got)
		}
	}
	for _, text := range []string{
		"POST /v1/query HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}\r\n",
		"GET /v1/endpoints/counted HTTP/1.1\r\n\r\n", "GET http://evil.example/v1/status HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
		"CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
		"TRACE / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
	} {
		if got := raw(text); strings.HasPrefix(got, "HTTP/1.1 2") {
			t.Errorf("%.60q: %.200s", text, got)
		}
	}
	for line := range strings.Lines(r.log.String()) {
		if !strings.HasPrefix(line, `{"time":"`) || !strings.HasSuffix(line, "}\n") {
			t.Errorf("a line of the log: %q", line)
		}
	}
	// a form of another site, which a browser sends without asking
	for _, kind := range []string{"text/plain", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded"} {
		if status, body, _ := r.do("POST", "/v1/query", `{"sql":"SELECT 1"}`, "Content-Type", kind, "Origin", "http://evil.example"); status != 403 {
			t.Errorf("a form in %s: %d %s", kind, status, body)
		}
		if status, _, _ := r.do("POST", "/v1/query", `{"sql":"SELECT 1"}`, "Content-Type", kind, "Sec-Fetch-Site", "cross-site"); status != 403 {
			t.Errorf("a form in %s without Origin: %d", kind, status)
		}
	}
	r.alive()
}
