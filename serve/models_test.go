package serve_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dsql/internal/testcases"
)

// TestLabels: classes come in their own types, of what Python made tables of: a BOOLEAN, a DOUBLE, a text. What the library refuses is an error
// of that row.
func TestLabels(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	script := ""
	for name, of := range map[string]string{"flag": "1.9_pipeline", "number": "1.9_tree_float", "word": "1.9_forest_words"} {
		data, err := os.ReadFile("../testdata/models/sklearn/" + of + "/model.tables")
		if err != nil {
			t.Fatal(err)
		}
		put(t, filepath.Join(dir, name), string(data))
		script += fmt.Sprintf("CREATE MODEL %[1]s FROM '%[1]s' OUTPUT label;", name)
	}
	r := start(t, dir, script+`CREATE ENDPOINT all_of () AS SELECT flag(0.85, 0.811, 'free', 3) AS f, number(0, 0, 5e-324, 1) AS n,
		word(0, 0, 0, 1) AS w`).ready()
	r.want(200, `{"columns":[{"name":"f","type":"BOOLEAN"},{"name":"n","type":"DOUBLE"},{"name":"w","type":"VARCHAR"}],`+
		`"rows":[{"f":true,"n":-1.0,"w":"late"}],"version":0}`, "GET", "/v1/endpoints/all_of", "")
	r.want(200, `{"predictions":[true,false],"model":{"name":"flag","version":1}}`, "POST", "/v1/models/flag/predict",
		`[{"a":0.85,"b":0.811,"plan":"free","level":3},{"b":-0.871,"plan":"free","level":2}]`)
	r.want(200, `{"predictions":[-1.0],"model":{"name":"number","version":1}}`, "POST", "/v1/models/number/predict", `{"a":0,"b":0,"c":0,"d":1}`)
	r.want(200, `{"model_name":"flag","model_version":"1","outputs":[{"name":"label","datatype":"BOOL","shape":[1],"data":[true]}]}`,
		"POST", "/v2/models/flag/infer", `{"inputs":[{"name":"a","datatype":"FP64","shape":[1],"data":[0.85]},`+
			`{"name":"b","datatype":"FP64","shape":[1],"data":[0.811]},{"name":"plan","datatype":"BYTES","shape":[1],"data":["free"]},`+
			`{"name":"level","datatype":"FP64","shape":[1],"data":[3]}]}`)
	status, body, _ := r.post("/v1/models/flag/predict", `[{"level":3},{"level":8}]`)
	if status != 422 || !strings.Contains(body, `"detail":"flag: level is 8, a category that it wasn't trained with, and RandomForestClassifier of `+
		`scikit-learn 1.9.1 takes no such value","code":"model-value"`) {
		t.Errorf("%d %s", status, body)
	}
}

func TestModels(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, filepath.Join(dir, "late.txt"), testcases.Stump(15, -1, 1))
	r := start(t, dir, `CREATE MODEL late FROM 'late.txt' TAGS (owner 'ops');
		CREATE MODEL each FROM 'late.txt' OUTPUT contrib;
		CREATE ENDPOINT both (d DOUBLE) AS SELECT late($d, 1.0) AS a, each($d, 1.0) AS b`).ready()
	const model = `,"model":{"name":"late","version":1}}`
	r.want(200, `{"predictions":[1.0]`+model, "POST", "/v1/models/late/predict", `{"dep_delay":30,"distance":900}`)
	r.want(200, `{"predictions":[-1.0,1.0,-1.0]`+model, "POST", "/v1/models/LATE/versions/1/predict",
		`[{"dep_delay":2},{"dep_delay":"30"},{}]`)
	r.want(200, `{"predictions":[1.0]`+model, "POST", "/v1/models/late/predict", `{"rows":[{"dep_delay":3e1,"distance":null}]}`)
	r.want(200, `{"predictions":[]`+model, "POST", "/v1/models/late/predict", `[]`)
	many := make([]map[string]int, 5000)
	for i := range many {
		many[i] = map[string]int{"dep_delay": i % 30}
	}
	text, err := json.Marshal(many)
	if err != nil {
		t.Fatal(err)
	}
	status, body, _ := r.post("/v1/models/late/predict", string(text))
	var got struct{ Predictions []float64 }
	if err := json.Unmarshal([]byte(body), &got); err != nil || status != 200 || len(got.Predictions) != len(many) {
		t.Fatalf("%d, %d predictions: %v", status, len(got.Predictions), err)
	}
	for i, p := range got.Predictions {
		if want := map[bool]float64{true: -1, false: 1}[i%30 <= 15]; p != want {
			t.Fatalf("row %d: %v, want %v", i, p, want)
		}
	}
	// what the SQL functions give
	r.want(200, `{"columns":[{"name":"a","type":"DOUBLE"},{"name":"b","type":"DOUBLE[]"}],"rows":[{"a":1.0,"b":`+
		contrib(t, r)+`}],"version":0}`, "GET", "/v1/endpoints/both?d=30", "")

	const refused = `"type":"about:blank","title":"Bad Request","status":400,`
	r.want(400, `{`+refused+`"detail":"row 1: dep_delay: \"x\" is no DOUBLE","code":"bad-parameter","hint":"DESCRIBE MODEL late says what it takes"}`,
		"POST", "/v1/models/late/predict", `[{},{"dep_delay":"x"}]`)
	r.want(400, `{`+refused+`"detail":"row 0: the model late has no input depdelay","code":"unknown-parameter","hint":"did you mean dep_delay?"}`,
		"POST", "/v1/models/late/predict", `{"depdelay":1}`)
	for path, want := range map[string]int{"/v1/models/lat/predict": 404, "/v1/models/late/versions/2/predict": 404,
		"/v1/models/late/versions/x/predict": 404, "/invocations": 400, "/invocations?model=nope": 404} {
		if status, body, _ := r.post(path, `{}`); status != want {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
}

func contrib(t *testing.T, r *running) string {
	var p struct{ Predictions []json.RawMessage }
	_, body, _ := r.post("/v1/models/each/predict", `{"dep_delay":30,"distance":1}`)
	if err := json.Unmarshal([]byte(body), &p); err != nil || len(p.Predictions) != 1 {
		t.Fatalf("%s: %v", body, err)
	}
	return string(p.Predictions[0])
}

func TestInference(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, filepath.Join(dir, "late.txt"), testcases.Stump(15, -1, 1))
	r := start(t, dir, `CREATE MODEL late FROM 'late.txt'`).ready()
	r.want(200, `{"name":"late","versions":["1"],"platform":"dsql_lightgbm","inputs":[{"name":"dep_delay","datatype":"FP64","shape":[-1,1]},`+
		`{"name":"distance","datatype":"FP64","shape":[-1,1]}],"outputs":[{"name":"prediction","datatype":"FP64","shape":[-1,1]}]}`,
		"GET", "/v2/models/late", "")
	r.want(200, `{"name":"late","ready":true}`, "GET", "/v2/models/late/versions/1/ready", "")
	r.want(200, `{"status":"alive"}`, "GET", "/v2/health/live", "")
	const answer = `{"model_name":"late","model_version":"1","id":"7","outputs":[{"name":"prediction","datatype":"FP64","shape":[2],"data":[1.0,-1.0]}]}`
	for _, send := range []string{
		`{"id":"7","inputs":[{"name":"x","datatype":"FP64","shape":[2,2],"data":[30,1,2,1]}]}`,
		`{"id":"7","inputs":[{"name":"x","datatype":"FP64","shape":[2,2],"data":[[30,1],[2,1]]}]}`,
		`{"id":"7","inputs":[{"name":"dep_delay","datatype":"FP64","shape":[2],"data":[30,2]},{"name":"distance","datatype":"INT32",` +
			`"shape":[2,1],"data":[[1],[1]]}]}`,
	} {
		r.want(200, answer, "POST", "/v2/models/late/infer", send)
	}
	for _, send := range []string{
		`{"dataframe_split":{"columns":["distance","dep_delay"],"data":[[1,30],[1,2]]}}`,
		`{"dataframe_records":[{"dep_delay":30,"distance":1},{"dep_delay":2}]}`,
		`{"inputs":{"dep_delay":[30,2],"distance":[[1],[1]]}}`,
		`{"inputs":[[30,1],[2,1]]}`,
		`{"instances":[{"dep_delay":30},{"dep_delay":2}]}`,
	} {
		r.want(200, `{"predictions":[1.0,-1.0]}`, "POST", "/invocations?model=late", send)
	}
	for _, send := range []string{`{}`, `{"inputs":7}`, `{"inputs":[[1]]}`, `{"inputs":[7]}`, `{"inputs":{"a":1}}`,
		`{"inputs":{"dep_delay":[1],"distance":[1,2]}}`, `[]`, `x`,
		`{"dataframe_split":{"columns":["a"],"data":[[1,2]]}}`, `{"dataframe_split":{"columns":[],"data":[[]]},"inputs":null}`, `{"inputs":""}`} {
		if status, body, _ := r.post("/invocations?model=late", send); status != 400 &&
			send != `{"dataframe_split":{"columns":[],"data":[[]]},"inputs":null}` {
			t.Errorf("%s: %d %s", send, status, body)
		}
	}
	for _, send := range []string{`{}`, `{"inputs":[{"name":"dep_delay","shape":[3],"data":[1]}]}`,
		`{"inputs":[{"name":"x","shape":[-1,2],"data":[1,2]}]}`,
		`{"inputs":[{"name":"x","shape":[],"data":[1,2]}]}`, `{"inputs":[{"name":"dep_delay","shape":[1]}]}`,
		`{"inputs":[{"name":"no","shape":[1],"data":[1]}]}`} {
		if status, body, _ := r.post("/v2/models/late/infer", send); status != 400 {
			t.Errorf("%s: %d %s", send, status, body)
		}
	}
}
