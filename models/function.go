package models

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"unsafe"

	"dsql/engine"
)

// function is a model's version as a function of DuckDB. The work is done by a native function whose name holds the model's hash
// (DuckDB can't drop one, so a name must always mean the same); macros of the model's name call it, with the arguments in order
// or with one STRUCT, by name.
type function struct {
	name    string
	version int
	hash    string
	sig     signature
	load    func() (*Model, error)
}

func (f function) native() string {
	return fmt.Sprintf("dsql_model_%s_%d_%.12s_%s", f.name, f.version, f.hash, f.sig.Output)
}

func (f function) register(c *engine.Conn) error {
	params := make([]string, len(f.sig.Inputs))
	for i, in := range f.sig.Inputs {
		params[i] = in.Type
	}
	pool := sync.Pool{New: func() any { c := make([]Column, len(params)); return &c }}
	return c.Register(engine.Function{Name: f.native(), Params: params, Returns: f.sig.Returns, Call: func(call *engine.Call) error {
		m, err := f.load()
		if err != nil {
			return err
		}
		scratch := pool.Get().(*[]Column)
		defer pool.Put(scratch)
		cols := *scratch
		for i, p := range params {
			cols[i] = arguments(call, i, p, cols[i].Text)
		}
		return f.score(m, call, cols)
	}})
}

// arguments is argument i in DuckDB's own memory.
func arguments(call *engine.Call, i int, typ string, texts []string) Column {
	if typ != "VARCHAR" {
		values, valid := call.Doubles(i)
		return Column{Values: unsafe.SliceData(values), Valid: unsafe.SliceData(valid)}
	}
	at, valid := call.Texts(i)
	texts = texts[:0]
	for r := range call.N {
		t := ""
		if !engine.IsNull(valid, r) {
			t = at(r)
		}
		texts = append(texts, t)
	}
	return Column{Text: texts, Valid: unsafe.SliceData(valid)}
}

// score fills the call's result. Rows for which the model itself gives nothing are NULL.
func (f function) score(m *Model, call *engine.Call, cols []Column) error {
	none := make([]bool, call.N)
	var err error
	switch {
	case f.sig.Output == Label && f.sig.Returns == "VARCHAR":
		out := make([]string, call.N)
		if err = m.LabelsOrNone(cols, call.N, nil, out, none); err == nil {
			for r, s := range out {
				call.OutText(r, s)
			}
		}
	case f.sig.Output == Label:
		err = m.LabelsOrNone(cols, call.N, call.OutInts(), nil, none)
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
func (f function) macros(ctx context.Context, tx *engine.Tx, inUse bool) error {
	names := []string{fmt.Sprintf("%s_v%d", f.name, f.version)}
	if inUse {
		names = append(names, f.name)
	}
	params := make([]string, len(f.sig.Inputs))
	for i := range params {
		params[i] = fmt.Sprintf("argument_%d", i+1)
	}
	a := engine.Args{"native": engine.Ident(f.native()), "params": engine.Names(params),
		"fields": engine.Each(", ", f.sig.Inputs, func(in input) *engine.Query { return engine.Ident("features", in.Name) })}
	body := engine.SQL("({params}) AS {native}({params}), (features) AS {native}({fields})", a)
	if len(params) == 1 { // macros are told apart by their number of arguments only; the branch that isn't taken is folded away
		a["type"], a["field"] = engine.Type(f.sig.Inputs[0].Type), engine.Ident(f.sig.Inputs[0].Name)
		body = engine.SQL("({params}) AS {native}(CASE WHEN typeof({params}) LIKE 'STRUCT(%' THEN CAST({params} AS STRUCT({field} {type})).{field} ELSE CAST({params} AS {type}) END)", a)
	}
	for _, n := range names {
		if err := tx.Run(ctx, engine.SQL("CREATE OR REPLACE MACRO {n}{body}", engine.Args{"n": engine.Ident(n), "body": body})); err != nil {
			return err
		}
	}
	return nil
}

// Restore makes the stored models callable on a database that was just opened.
func Restore(ctx context.Context, c *engine.Conn) error {
	n, err := c.Int(ctx, engine.SQL("SELECT count(*) FROM duckdb_tables() WHERE schema_name = 'dsql' AND table_name = 'models' AND database_name = current_database()"))
	if err != nil || n == 0 {
		return err
	}
	fns, err := stored(ctx, c, "")
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

// stored are the versions in the file of one model, or (name "") of all, in order. A model is parsed when it is first called.
func stored(ctx context.Context, c *engine.Conn, name string) ([]function, error) {
	return engine.Select(ctx, c, engine.SQL("SELECT name, version, hash, inputs, outputs, options, file FROM dsql.models WHERE {name} IN ('', lower(name)) ORDER BY name, version", engine.Args{"name": strings.ToLower(name)}),
		func(row func(...any) error) (f function, err error) {
			var inputs, opt string
			var data []byte
			if err := row(&f.name, &f.version, &f.hash, &inputs, &f.sig.Returns, &opt, &data); err != nil {
				return f, err
			}
			var o options
			if err := json.Unmarshal([]byte(opt), &o); err != nil {
				return f, err
			}
			f.sig.Output = map[string]Output{"raw": Raw, "label": Label}[o.Output]
			f.load = sync.OnceValues(func() (*Model, error) {
				return loadStored(data, Options{Features: len(o.Inputs), Runtime: o.path(f.sig.Output)})
			})
			return f, json.Unmarshal([]byte(inputs), &f.sig.Inputs)
		})
}
