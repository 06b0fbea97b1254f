package serve

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"dsql/engine/duck"
	"dsql/sql"
	"dsql/sql/code"
)

// Models by the protocols of others: the Open Inference Protocol, version 2, and MLflow's /invocations. Rows become objects by input, and
// go the way of all.

type tensor struct {
	Name     string          `json:"name"`
	Datatype string          `json:"datatype"`
	Shape    []int           `json:"shape"`
	Data     json.RawMessage `json:"data,omitempty"`
}

// datatypes are the protocol's names of types; what has none goes as text.
var datatypes = map[duck.TypeID]string{duck.TypeBoolean: "BOOL", duck.TypeTinyInt: "INT8", duck.TypeSmallInt: "INT16", duck.TypeInteger: "INT32",
	duck.TypeBigInt: "INT64", duck.TypeUTinyInt: "UINT8", duck.TypeUSmallInt: "UINT16", duck.TypeUInteger: "UINT32",
	duck.TypeUBigInt: "UINT64", duck.TypeFloat: "FP32", duck.TypeDouble: "FP64"}

// taken are the datatypes of inputs; MLflow's columns say none.
var taken = []string{"BOOL", "INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64", "FP16", "FP32", "FP64", "BF16", "BYTES", ""}

// metadata is a tensor that a model takes or gives: -1 stands for any number of rows.
func metadata(name string, typ duck.Type, width int) tensor {
	of := typ.Shape()
	if of.ID == duck.TypeList {
		of = of.Parts[0].Type.Shape()
	}
	t := tensor{Name: name, Datatype: datatypes[of.ID], Shape: []int{-1, width}}
	if t.Datatype == "" {
		t.Datatype = "BYTES"
	}
	return t
}

func (s *server) v2Server(w *recorder, _ *http.Request) error {
	answerJSON(w, http.StatusOK, "application/json", struct {
		Name       string   `json:"name"`
		Version    string   `json:"version"`
		Extensions []string `json:"extensions"`
	}{"dsql", "2", []string{}})
	return nil
}

// v2Model is a model's metadata.
func (s *server) v2Model(w *recorder, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), s.o.Limits.Time)
	defer cancel()
	s.use.RLock()
	defer s.use.RUnlock()
	x, v, err := s.askedModel(ctx, r)
	if err != nil {
		return err
	}
	a := struct {
		Name     string   `json:"name"`
		Versions []string `json:"versions"`
		Platform string   `json:"platform"`
		Inputs   []tensor `json:"inputs"`
		Outputs  []tensor `json:"outputs"`
	}{Name: x.Name, Platform: "dsql_" + x.Format, Inputs: []tensor{}}
	for _, y := range v.models[sql.KeyOf(x.Name)].versions {
		a.Versions = append(a.Versions, strconv.Itoa(y.Version))
	}
	for _, in := range x.Inputs {
		a.Inputs = append(a.Inputs, metadata(in.Name, in.Type, 1))
	}
	width := 1
	if x.List() {
		width = -1
	}
	a.Outputs = []tensor{metadata(x.Output, x.Returns, width)}
	answerJSON(w, http.StatusOK, "application/json", a)
	return nil
}

func (s *server) v2ModelReady(w *recorder, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), s.o.Limits.Time)
	defer cancel()
	s.use.RLock()
	defer s.use.RUnlock()
	x, _, err := s.askedModel(ctx, r)
	if err != nil {
		return err
	}
	answerJSON(w, http.StatusOK, "application/json", struct {
		Name  string `json:"name"`
		Ready bool   `json:"ready"`
	}{x.Name, true})
	return nil
}

// v2Infer answers tensors: one of all inputs, or one for each.
func (s *server) v2Infer(w *recorder, r *http.Request) error {
	return s.scored(w, r, func(x *versionAt, body []byte) (*rowsAsked, error) {
		var req struct {
			ID      string   `json:"id"`
			Inputs  []tensor `json:"inputs"`
			Outputs []tensor `json:"outputs"`
		}
		if err := json.Unmarshal(body, &req); err != nil {
			return nil, refuse(http.StatusBadRequest, code.BadJSON, "send what the Open Inference Protocol says",
				"the body is no inference request: %v", err)
		}
		for _, out := range req.Outputs {
			if out.Name != x.Output {
				return nil, refuse(http.StatusBadRequest, code.BadParameter, "it has "+x.Output, "the model %s has no output %s", x.Name, out.Name)
			}
		}
		rows, err := x.tensors(req.Inputs)
		return &rowsAsked{rows: rows, id: req.ID, flat: true}, err
	}, func(w *recorder, x *versionAt, asked *rowsAsked, p *prediction) {
		out := metadata(x.Output, x.Returns, p.width)
		if out.Shape = []int{p.rows}; x.List() {
			out.Shape = []int{p.rows, p.width}
		}
		out.Data = fmt.Appendf(nil, "[%s]", p.values)
		answerJSON(w, http.StatusOK, "application/json", struct {
			Name    string   `json:"model_name"`
			Version string   `json:"model_version"`
			ID      string   `json:"id,omitempty"`
			Outputs []tensor `json:"outputs"`
		}{x.Name, strconv.Itoa(x.Version), asked.id, []tensor{out}})
	})
}

// tensors are the rows of tensors.
func (x *versionAt) tensors(in []tensor) ([][]byte, error) {
	bad := func(format string, args ...any) ([][]byte, error) {
		return nil, refuse(http.StatusBadRequest, code.BadParameter, fmt.Sprintf("GET /v2/models/%s says what it takes", x.Name), format, args...)
	}
	for _, t := range in {
		if !slices.Contains(taken, t.Datatype) {
			return bad("the tensor %s is of no datatype of the protocol: %q", t.Name, t.Datatype)
		}
	}
	names := duck.ColumnNames(x.Inputs)
	if len(in) == 1 && len(in[0].Shape) == 2 && in[0].Shape[1] == len(names) && (len(names) > 1 || in[0].Name != names[0]) {
		values, err := flatten(in[0].Data)
		if err != nil || len(values) != in[0].Shape[0]*len(names) {
			return bad("the tensor %s has %d values, and its shape says %v", in[0].Name, len(values), in[0].Shape)
		}
		return rowsOf(names, values), nil
	}
	n := -1
	columns := make([][]json.RawMessage, len(in))
	for i, t := range in {
		names := append([]string{}, t.Name)
		values, err := flatten(t.Data)
		if err != nil {
			return bad("the tensor %s: %v", names[0], err)
		}
		size := 1
		for _, d := range t.Shape {
			size *= d
		}
		if len(t.Shape) == 0 || len(t.Shape) > 2 || len(t.Shape) == 2 && t.Shape[1] != 1 || size != len(values) || n >= 0 && len(values) != n {
			return bad("the tensor %s has %d values of shape %v: each input has one value a row, or one tensor has all %d inputs", t.Name,
				len(values),
				t.Shape, len(x.Inputs))
		}
		n, columns[i] = len(values), values
	}
	if n < 0 {
		return bad("there are no inputs")
	}
	var given []string
	var values []json.RawMessage
	for _, t := range in {
		given = append(given, t.Name)
	}
	for r := range n {
		for i := range columns {
			values = append(values, columns[i][r])
		}
	}
	return rowsOf(given, values), nil
}

// flatten are the values of an array, and of arrays in it, in order.
func flatten(data json.RawMessage) ([]json.RawMessage, error) {
	var list []json.RawMessage
	if err := json.Unmarshal(data, &list); err != nil {
		return nil, err
	}
	if len(list) == 0 || len(list[0]) == 0 || list[0][0] != '[' {
		return list, nil
	}
	var out []json.RawMessage
	for _, inner := range list {
		values, err := flatten(inner)
		if err != nil {
			return nil, err
		}
		out = append(out, values...)
	}
	return out, nil
}

// rowsOf makes objects of values, row by row.
func rowsOf(names []string, values []json.RawMessage) [][]byte {
	keys := make([][]byte, len(names))
	for i, n := range names {
		keys[i] = append(jsonText(n), ':')
	}
	var rows [][]byte
	for from := 0; from+len(names) <= len(values) && len(names) > 0; from += len(names) {
		var b bytes.Buffer
		for i, v := range values[from : from+len(names)] {
			b.WriteByte("{,"[min(i, 1)])
			b.Write(keys[i])
			b.Write(v)
		}
		b.WriteByte('}')
		rows = append(rows, b.Bytes())
	}
	return rows
}

// invocations answers MLflow's POST /invocations for the model named by ?model=.
func (s *server) invocations(w *recorder, r *http.Request) error {
	q := r.URL.Query()
	name := q.Get("model")
	if name == "" {
		return refuse(http.StatusBadRequest, code.MissingParameter, "POST /invocations?model=name", "which model is asked?")
	}
	r.SetPathValue("name", name)
	r.SetPathValue("version", q.Get("version"))
	return s.scored(w, r, func(x *versionAt, body []byte) (*rowsAsked, error) {
		rows, err := x.frame(body)
		return &rowsAsked{rows: rows}, err
	}, func(w *recorder, _ *versionAt, _ *rowsAsked, p *prediction) {
		_, _ = fmt.Fprintf(w, `{"predictions":[%s]}`+"\n", p.values) // a client that went away
	})
}

// frame are the rows of one of MLflow's shapes.
func (x *versionAt) frame(body []byte) ([][]byte, error) {
	const shapes = "send dataframe_split, dataframe_records, instances or inputs"
	bad := func(format string, args ...any) ([][]byte, error) {
		return nil, refuse(http.StatusBadRequest, code.BadJSON, shapes, format, args...)
	}
	var req struct {
		Split *struct {
			Columns []string            `json:"columns"`
			Data    [][]json.RawMessage `json:"data"`
		} `json:"dataframe_split"`
		Records   []json.RawMessage `json:"dataframe_records"`
		Instances json.RawMessage   `json:"instances"`
		Inputs    json.RawMessage   `json:"inputs"`
	}
	if err := json.Unmarshal(body, &req); err != nil {
		return bad("the body is none of MLflow's: %v", err)
	}
	switch {
	case req.Split != nil:
		var values []json.RawMessage
		for i, row := range req.Split.Data {
			if len(row) != len(req.Split.Columns) {
				return bad("row %d of data has %d values for %d columns", i, len(row), len(req.Split.Columns))
			}
			values = append(values, row...)
		}
		return rowsOf(req.Split.Columns, values), nil
	case req.Records != nil:
		out := make([][]byte, len(req.Records))
		for i, o := range req.Records {
			out[i] = o
		}
		return out, nil
	case req.Inputs != nil:
		return x.loose(req.Inputs, bad)
	case req.Instances != nil:
		return x.loose(req.Instances, bad)
	}
	return bad("the body has no rows")
}

// loose are rows as an object of columns, or an array of rows: objects, or arrays in the model's order.
func (x *versionAt) loose(data json.RawMessage, bad func(string, ...any) ([][]byte, error)) ([][]byte, error) {
	names := duck.ColumnNames(x.Inputs)
	if data[0] == '{' {
		var columns map[string]json.RawMessage
		if err := json.Unmarshal(data, &columns); err != nil {
			return bad("inputs are no columns: %v", err)
		}
		var in []tensor
		for name, values := range columns {
			flat, err := flatten(values)
			if err != nil {
				return bad("the column %s is no array: %v", name, err)
			}
			in = append(in, tensor{Name: name, Shape: []int{len(flat)}, Data: values})
		}
		return x.tensors(in)
	}
	var rows []json.RawMessage
	if err := json.Unmarshal(data, &rows); err != nil {
		return bad("inputs are neither columns nor rows: %v", err)
	}
	out := make([][]byte, len(rows))
	for i, row := range rows {
		if row[0] == '{' {
			out[i] = row
			continue
		}
		values, err := flatten(row)
		if err != nil || len(values) != len(names) {
			return bad("row %d has %d values, and the model takes %d", i, len(values), len(names))
		}
		out[i] = rowsOf(names, values)[0]
	}
	return out, nil
}
