package serve_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dsql/internal/testpython"
)

// TestModelsInPython: a model that Python scores is asked as others are: by version, by all three protocols, with errors of its own.
func TestModelsInPython(t *testing.T) {
	t.Parallel()
	python := testpython.Need(t)
	dir := t.TempDir()
	for name, text := range map[string]string{
		"sum": "def predict(batch: dict):\n    return batch['a'] * 2 + batch['b']\n",
		"probabilities": "import numpy as np\ndef predict(batch):\n    if (batch.a > 1e6).any():\n        raise ValueError('too large')\n" +
			"    return np.column_stack([1 - batch.a, batch.a])\n",
		"flag":  "def predict(batch):\n    return batch.d > batch.n\n",
		"words": "def predict(batch):\n    return [t.upper() + str(d)[:4] if isinstance(t, str) else None for t, d in zip(batch.t, batch.d)]\n",
	} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
		put(t, filepath.Join(dir, name, "model.py"), text)
	}
	put(t, filepath.Join(dir, "probabilities", "model.json"), `{"outputs": {"prediction": "DOUBLE[]"}}`)
	put(t, filepath.Join(dir, "flag", "model.json"), `{"outputs": {"prediction": "BOOLEAN"}}`)
	put(t, filepath.Join(dir, "words", "model.json"), `{"outputs": {"prediction": "VARCHAR"}}`)
	how := fmt.Sprintf("FORMAT python (python '%s', workers 1)", python)
	r := start(t, dir, fmt.Sprintf(`CREATE MODEL sum FROM 'sum' %[1]s INPUT (a DOUBLE, b DOUBLE);
		CREATE MODEL p FROM 'probabilities' %[1]s INPUT (a DOUBLE);
		CREATE MODEL flag FROM 'flag' %[1]s INPUT (d FLOAT, n INTEGER);
		CREATE MODEL words FROM 'words' %[1]s INPUT (t VARCHAR, d DATE)`, how)).ready()
	const model = `,"model":{"name":"sum","version":1}}`
	r.want(200, `{"predictions":[5.0]`+model, "POST", "/v1/models/sum/predict", `{"a":2,"b":1}`)
	r.want(200, `{"predictions":[5.0,"NaN",3.0]`+model, "POST", "/v1/models/SUM/versions/1/predict", `[{"a":2,"b":1},{"a":2},{"b":1,"a":"1"}]`)
	r.want(200, `{"predictions":[]`+model, "POST", "/v1/models/sum/predict", `[]`)
	r.want(200, `{"predictions":[[0.75,0.25],[0.5,0.5]],"model":{"name":"p","version":1}}`, "POST", "/v1/models/p/predict", `[{"a":0.25},{"a":0.5}]`)
	r.want(200, `{"predictions":["É\"2024",null],"model":{"name":"words","version":1}}`, "POST", "/v1/models/words/predict",
		`[{"t":"é\"","d":"2024-05-06"},{}]`)
	r.want(200, `{"model_name":"p","model_version":"1","outputs":[{"name":"prediction","datatype":"FP64","shape":[2,2],"data":[0.75,0.25,0.5,0.5]}]}`,
		"POST", "/v2/models/p/infer", `{"inputs":[{"name":"a","datatype":"FP64","shape":[2],"data":[0.25,0.5]}]}`)
	r.want(200, `{"predictions":[5.0]}`, "POST", "/invocations?model=sum", `{"dataframe_split":{"columns":["b","a"],"data":[[1,2]]}}`)

	r.want(200, `{"name":"flag","versions":["1"],"platform":"dsql_python","inputs":[{"name":"d","datatype":"FP32","shape":[-1,1]},`+
		`{"name":"n","datatype":"INT32","shape":[-1,1]}],"outputs":[{"name":"prediction","datatype":"BOOL","shape":[-1,1]}]}`, "GET", "/v2/models/flag", "")
	r.want(200, `{"model_name":"flag","model_version":"1","outputs":[{"name":"prediction","datatype":"BOOL","shape":[2],"data":[true,false]}]}`,
		"POST", "/v2/models/flag/infer", `{"inputs":[{"name":"d","datatype":"FP32","shape":[2],"data":[1.5,1]},`+
			`{"name":"n","datatype":"INT32","shape":[2],"data":[1,2]}]}`)

	r.want(400, `{"type":"about:blank","title":"Bad Request","status":400,"detail":"row 1: the model sum has no input c","code":"unknown-parameter",`+
		`"hint":"DESCRIBE MODEL sum says what it takes"}`, "POST", "/v1/models/sum/predict", `[{},{"c":1}]`)
	status, body, _ := r.post("/v1/models/p/predict", `{"a":1e7}`)
	if status != 422 || !strings.Contains(body, `"detail":"p: ValueError: too large","code":"function","hint":"mend the model, or leave such rows out\n`) {
		t.Errorf("%d %s", status, body)
	}

	many := []byte("[")
	for i := range 5000 {
		many = fmt.Appendf(many, `{"a":%d,"b":0},`, i)
	}
	many[len(many)-1] = ']'
	want := []byte(`{"predictions":[`)
	for i := range 5000 {
		want = fmt.Appendf(want, "%d.0,", 2*i)
	}
	want[len(want)-1] = ']'
	r.want(200, string(want)+model, "POST", "/v1/models/sum/predict", string(many))
}
