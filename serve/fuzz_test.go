package serve_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dsql/internal/testcases"
	"dsql/serve"
)

// fuzzed are the paths whose bodies are drawn, and one whose query is.
var fuzzed = []string{"/v1/query", "/v1/endpoints/delays", "/v1/endpoints/newest", "/v1/endpoints/echo", "/v1/models/late/predict",
	"/v2/models/late/infer", "/invocations?model=late", "/v1/endpoints/echo?"}

// Whatever is sent, the answer is one, or says what is wrong with what was sent: no fault of the server's, and no answer that is no JSON.
func FuzzBodies(f *testing.F) {
	dir := f.TempDir()
	put(f, filepath.Join(dir, "f.csv"), flightRows)
	put(f, filepath.Join(dir, "late.txt"), testcases.Stump(15, -1, 1))
	r := start(f, dir, flights+"; CREATE MODEL late FROM 'late.txt'", func(o *serve.Options) {
		o.Limits.Time, o.Limits.Memory = 500*time.Millisecond, 500<<20
	}).ready()
	for i, body := range []string{`{"sql":"SELECT $a AS a, 'x'","params":{"a":1.5},"limit":1,"texts":true}`, `{"id":"A","at_least":2}`,
		`[{"n":1},{"ids":["B","C"]},{"since":"2025-01-03T00:00:00Z"}]`,
		`{"d":"12.3","t":"2025-01-01T00:00:00+02:00","s":{"a":1.0},"j":{"x":[1.10]},"b":"no","u":"6f2b9e3a-1111-4222-8333-444455556666"}`,
		`{"rows":[{"dep_delay":3e1,"distance":null}]}`,
		`{"id":"1","inputs":[{"name":"x","shape":[1,2],"datatype":"FP64","data":[1,2]}],"outputs":[{"name":"y"}]}`,
		`{"dataframe_split":{"columns":["dep_delay","distance"],"index":[0],"data":[[1,2]]},"inputs":[],"instances":[]}`,
		`d=1.25&s=%7B%22a%22%3A1%7D&j=[]&t=2025-01-01`} {
		f.Add(uint8(i), body)
	}
	f.Fuzz(func(t *testing.T, which uint8, body string) {
		path, method := fuzzed[int(which)%len(fuzzed)], http.MethodPost
		if strings.HasSuffix(path, "?") {
			path, body, method = path+url.PathEscape(body), "", http.MethodGet
		}
		req, err := http.NewRequest(method, r.url+path, strings.NewReader(body))
		if err != nil {
			t.Skip() // no address
		}
		req.Header.Set("Content-Type", "application/json")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		got, err := io.ReadAll(res.Body)
		if err != nil && res.StatusCode != http.StatusOK { // an answer that has begun may break off
			t.Fatal(err)
		}
		if err == nil && !json.Valid(got) || res.StatusCode == http.StatusInternalServerError || res.StatusCode >= 400 &&
			!strings.Contains(string(got), `"code":"`) {
			t.Errorf("%s %q: %d %s", path, body, res.StatusCode, got)
		}
	})
}
