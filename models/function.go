package models

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime/debug"
	"strings"
	"sync"
	"unsafe"

	"dsql/engine/duck"
	"dsql/models/batch"
	"dsql/models/model"
	"dsql/pyfunc"
)

// function is a model's version as a function of DuckDB. The work is done by a native function whose name holds the model's hash
// (DuckDB can't drop one, so a name must always mean the same); macros of the model's name call it, with the arguments in order
// or with one STRUCT, by name.
type function struct {
	name    string
	version int
	hash    string
	format  string
	sig     signature
	load    func() (*model.Model, error)
	explain func() (*model.Model, error) // loaded to tell what inputs add
	content func() ([]byte, error)       // of one that isn't committed yet; nil: the file has it
	how     *pyfunc.Options              // how the workers run that score it; nil: none do
}

func (f function) native() string {
	return fmt.Sprintf("dsql_model_%s_%d_%.12s_%s", f.name, f.version, f.key(), f.sig.Output)
}

func (f function) register(c *duck.Conn) error {
	if f.how != nil {
		return f.registerPython(c)
	}
	params := make([]duck.Type, len(f.sig.Inputs))
	for i, in := range f.sig.Inputs {
		params[i] = in.Type
	}
	if err := f.registerReasons(c, params); err != nil {
		return err
	}
	pool := batch.NewPool(func() *[]model.Column { c := make([]model.Column, len(params)); return &c })
	return c.Register(duck.Function{Name: f.native(), Params: params, Returns: f.sig.Returns, Call: func(call *duck.Call) error {
		m, err := f.load()
		if err != nil {
			return err
		}
		scratch := pool.Get()
		defer pool.Put(scratch)
		cols := *scratch
		for i, p := range params {
			cols[i] = arguments(call, i, p, cols[i].Text)
		}
		return f.Score(m, call, cols)
	}})
}

// arguments is argument i in DuckDB's own memory.
func arguments(call *duck.Call, i int, typ duck.Type, texts []string) model.Column {
	if typ != "VARCHAR" {
		values, valid := call.Doubles(i)
		return model.Column{Values: unsafe.SliceData(values), Valid: unsafe.SliceData(valid)}
	}
	at, valid := call.Texts(i)
	texts = texts[:0]
	for r := range call.N {
		t := ""
		if !duck.IsNull(valid, r) {
			t = at(r)
		}
		texts = append(texts, t)
	}
	return model.Column{Text: texts, Valid: unsafe.SliceData(valid)}
}

// score fills the call's result. Rows for which the model itself gives nothing are NULL.
func (f function) Score(m *model.Model, call *duck.Call, cols []model.Column) error {
	none := make([]bool, call.N)
	var err error
	switch {
	case f.sig.Output == model.Label && f.sig.Returns == "VARCHAR":
		out := make([]string, call.N)
		if err = m.LabelsOrNone(cols, call.N, nil, out, none); err == nil {
			for r, s := range out {
				call.OutText(r, s)
			}
		}
	case f.sig.Output == model.Label:
		err = m.LabelsOrNone(cols, call.N, call.OutInts(), nil, none)
	case f.sig.Output == model.Leaf:
		err = m.Leaves(cols, call.N, call.OutIntLists(m.Outputs(model.Leaf)), none)
	case f.sig.Returns == "DOUBLE":
		err = m.ScoreOrNone(f.sig.Output, cols, call.N, call.OutDoubles(), none)
	default:
		err = m.ScoreOrNone(f.sig.Output, cols, call.N, call.OutLists(m.Outputs(f.sig.Output)), none)
	}
	for r, missing := range none {
		if missing && err == nil {
			call.SetNull(r)
		}
	}
	return err
}

// macros make name_vN, and name when this version is in use.
func (f function) macros(ctx context.Context, tx *duck.Tx, inUse bool) error {
	names := []string{fmt.Sprintf("%s_v%d", f.name, f.version)}
	if inUse {
		names = append(names, f.name)
	}
	params := make([]string, len(f.sig.Inputs))
	for i := range params {
		params[i] = fmt.Sprintf("argument_%d", i+1)
	}
	var values, fields []*duck.Query
	for i, in := range f.sig.Inputs {
		values = append(values, in.argument(duck.Ident(params[i])))
		fields = append(fields, in.argument(duck.Ident("features", in.Name)))
	}
	a := duck.Args{"native": duck.Ident(f.native()), "params": duck.Names(params), "values": duck.Join(", ", values...),
		"fields": duck.Join(", ", fields...)}
	body := duck.SQL("({params}) AS {native}({values}), (features) AS {native}({fields})", a)
	if len(params) == 1 { // macros are told apart by their number of arguments only; the branch that isn't taken is folded away
		a["type"], a["field"] = f.sig.Inputs[0].Type, duck.Ident(f.sig.Inputs[0].Name)
		body = duck.SQL("({params}) AS {native}(CASE WHEN typeof({params}) LIKE 'STRUCT(%' THEN CAST({params} AS STRUCT({field} "+
			"{type})).{field} ELSE CAST({params} AS {type}) END)", a)
	}
	for _, n := range names {
		if err := tx.Run(ctx, duck.SQL("CREATE OR REPLACE MACRO {n}{body}", duck.Args{"n": duck.Ident(n), "body": body})); err != nil {
			return err
		}
	}
	if !inUse {
		return nil
	}
	if f.how != nil { // it may have been another's name before
		return tx.Run(ctx, duck.SQL("DROP MACRO IF EXISTS {n}", duck.Args{"n": duck.Ident(reasonsName(f.name))}))
	}
	return tx.Run(ctx, duck.SQL("CREATE OR REPLACE MACRO {n}(features, k) AS {reasons}({fields}, k)", a,
		duck.Args{"n": duck.Ident(reasonsName(f.name)), "reasons": duck.Ident(f.nativeReasons())}))
}

// numberFunction lets a BOOLEAN stand for a number, as the libraries do, and nothing else that DuckDB doesn't convert by itself.
const numberFunction = "dsql_number"

func (in input) argument(v *duck.Query) *duck.Query {
	if in.Type != "DOUBLE" {
		return v
	}
	return duck.SQL("{f}({v})", duck.Args{"f": duck.Ident(numberFunction), "v": v})
}

// Register makes callable what all models need: on each database that is opened.
func Register(c *duck.Conn) error {
	return c.Register(
		duck.Function{Name: numberFunction, Params: []duck.Type{"DOUBLE"}, Returns: "DOUBLE", Call: func(call *duck.Call) error {
			call.Pass(0)
			return nil
		}},
		duck.Function{Name: numberFunction, Params: []duck.Type{"BOOLEAN"}, Returns: "DOUBLE", Call: func(call *duck.Call) error {
			flags, valid := call.Bools(0)
			out := call.OutDoubles()
			for i, f := range flags {
				if out[i] = 0; f {
					out[i] = 1
				}
				if duck.IsNull(valid, i) {
					call.SetNull(i)
				}
			}
			return nil
		}})
}

// Restore makes the stored models callable on a database that was just opened.
func Restore(ctx context.Context, c *duck.Conn) error {
	if err := Register(c); err != nil {
		return err
	}
	fns, err := stored(ctx, c, "")
	if duck.IsMissing(err) { // a file without a catalog
		return nil
	}
	if err != nil {
		return err
	}
	for _, f := range fns {
		if err := f.register(c); err != nil {
			return err
		}
	}
	return nil
}

// stored are the versions in the file of one model, or (name "") of all, in order. A model is read when it is first called.
func stored(ctx context.Context, c *duck.Conn, name string) ([]function, error) {
	return duck.Select(ctx, c, duck.SQL("SELECT name, version, hash, format, inputs, outputs, options FROM dsql.models WHERE {name} IN ('', "+
		"lower(name)) ORDER BY name, version", duck.Args{"name": strings.ToLower(name)}),
		func(row func(...any) error) (f function, err error) {
			var inputs, opt string
			if err := row(&f.name, &f.version, &f.hash, &f.format, &inputs, &f.sig.Returns, &opt); err != nil {
				return f, err
			}
			var o options
			if err := json.Unmarshal([]byte(opt), &o); err != nil {
				return f, err
			}
			f.sig.Output, f.how = model.OutputOf(o.Output), o.Python
			if err := json.Unmarshal([]byte(inputs), &f.sig.Inputs); err != nil {
				return f, err
			}
			g := f
			f.load = sync.OnceValues(func() (*model.Model, error) { return g.again(c.DB, o, g.sig.Output) })
			f.explain = sync.OnceValues(func() (*model.Model, error) { return g.again(c.DB, o, model.Contrib) })
			return f, nil
		})
}

// again loads a stored version for an output.
func (f function) again(db *duck.DB, o options, out model.Output) (*model.Model, error) {
	data, err := f.bytes(db)
	if err != nil {
		return nil, err
	}
	if large(len(data)) {
		defer debug.SetGCPercent(debug.SetGCPercent(20))
	}
	m, err := loadStored(data, model.Options{Features: len(o.Inputs), Categories: o.marked(), Output: out, Runtime: o.path(out)})
	if err != nil {
		return nil, fmt.Errorf("the model %s: %w", f.name, err)
	}
	for i, in := range m.Inputs() {
		if i >= len(f.sig.Inputs) || duck.Type(in.Type.String()) != f.sig.Inputs[i].Type {
			return nil, fmt.Errorf("the model %s was declared by an older dsql that took the argument %s for another type: declare it again "+
				"from its file", f.name, in.Name)
		}
	}
	return m, nil
}

// bytes are those of the model's file. A query that calls it is going on: that needs a connection beside.
func (f function) bytes(db *duck.DB) (data []byte, err error) {
	ctx := context.Background()
	c, err := db.Reader(ctx)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	found, err := c.Scan(ctx, duck.SQL("SELECT file FROM dsql.models WHERE lower(name) = lower({n}) AND hash = {h} LIMIT 1",
		duck.Args{"n": f.name, "h": f.hash}), &data)
	if duck.IsMissing(err) && f.content != nil { // a file that is new has no catalog before it is committed
		err = nil
	}
	if err != nil || found || f.content == nil {
		return data, err
	}
	return f.content()
}
