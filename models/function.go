package models

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"dsql/engine/duck"
	"dsql/models/model"
	"dsql/models/sklearn"
	"dsql/models/stored"
	"dsql/pyfunc"
	"dsql/sql"
	"dsql/sql/code"
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
	missing *float64 // a number that stands for a missing value
	load    func() (*model.Model, error)
	explain func() (*model.Model, error) // loaded to tell what inputs add
	content func() ([]byte, error)       // of one that isn't committed yet; nil: the file has it
	how     *pyfunc.Options              // how the workers run that score it; nil: none do
}

// called is the function as one knows it who knows nothing of SQL.
func (f function) called() *stored.Function {
	return &stored.Function{Name: f.name, Version: f.version, Hash: f.hash, Key: f.key(), Inputs: f.sig.Inputs, Returns: string(f.sig.Returns),
		Output: f.sig.Output, Missing: f.missing, Load: f.load, Explain: f.explain}
}

func (f function) native() string { return f.called().Native() }

var reasonsType = duck.ListOf(duck.StructOf([]duck.Column{{Name: "name", Type: "VARCHAR"}, {Name: "amount", Type: "DOUBLE"}}))

func (f function) register(c *duck.Conn) error {
	if f.how != nil {
		return f.registerPython(c)
	}
	params := make([]duck.Type, len(f.sig.Inputs))
	for i, in := range f.sig.Inputs {
		params[i] = duck.Type(in.Type)
	}
	s := f.called()
	score, reasons := s.Score(), s.Reasons()
	// DuckDB calls those of one argument for a column's dictionary. That of others would be refused as an alias in the same SELECT.
	throws := f.format == "sklearn" && len(params) == 1
	if err := c.Register(duck.Function{Name: s.NativeReasons(), Params: append(slices.Clone(params), "BIGINT"), Returns: reasonsType,
		Throws: throws, Call: func(call *duck.Call) error { return f.refused(reasons(call)) }}); err != nil {
		return err
	}
	return c.Register(duck.Function{Name: s.Native(), Params: params, Returns: f.sig.Returns,
		Throws: throws, Call: func(call *duck.Call) error { return f.refused(score(call)) }})
}

// refused makes an error of the user's rows of what a model's library raises an exception for.
func (f function) refused(err error) error {
	var r *sklearn.Refused
	if !errors.As(err, &r) {
		return err
	}
	return sql.Errorf(code.ModelValue, "%s: %s", f.name, r).WithHint(r.Hint)
}

// addReasons makes the macro of a model that an older dsql declared.
func (m *declared) addReasons(ctx context.Context, tx *duck.Tx, vs []version) error {
	if vs[len(vs)-1].Options.Reasons {
		return nil
	}
	fns, err := versionsIn(ctx, tx.Conn, m.decl.Name)
	if err != nil {
		return err
	}
	for i, v := range vs {
		if v.InUse && i < len(fns) {
			return fns[i].macros(ctx, tx, true)
		}
	}
	return nil
}

// versionName is the macro that stays this version's.
func (f function) versionName() string { return fmt.Sprintf("%s_v%d", f.name, f.version) }

// macros make name_vN, and name when this version is in use.
func (f function) macros(ctx context.Context, tx *duck.Tx, inUse bool) error {
	names := []string{f.versionName()}
	if inUse {
		names = append(names, f.name)
	}
	params := make([]string, len(f.sig.Inputs))
	for i := range params {
		params[i] = fmt.Sprintf("argument_%d", i+1)
	}
	var values, fields []*duck.Query
	for i, in := range f.sig.Inputs {
		values = append(values, argument(in, duck.Ident(params[i])))
		fields = append(fields, argument(in, duck.Ident("features", in.Name)))
	}
	a := duck.Args{"native": duck.Ident(f.native()), "params": duck.Names(params), "values": duck.Join(", ", values...),
		"fields": duck.Join(", ", fields...)}
	a["called"] = tx.Called(f.name, duck.SQL("{native}({values})", a))
	a["struct"] = tx.Called(f.name, duck.SQL("{native}({fields})", a))
	body := duck.SQL("({params}) AS {called}, (features) AS {struct}", a)
	if len(params) == 1 { // macros are told apart by their number of arguments only; the branch that isn't taken is folded away
		a["type"], a["field"] = duck.Type(f.sig.Inputs[0].Type), duck.Ident(f.sig.Inputs[0].Name)
		body = duck.SQL("({params}) AS {called}", a, duck.Args{"called": tx.Called(f.name, duck.SQL(
			"{native}(CASE WHEN typeof({params}) LIKE 'STRUCT(%' THEN CAST({params} AS STRUCT({field} {type})).{field} ELSE "+
				"CAST({params} AS {type}) END)", a))})
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
		return tx.Run(ctx, duck.SQL("DROP MACRO IF EXISTS {n}", duck.Args{"n": duck.Ident(stored.ReasonsName(f.name))}))
	}
	return tx.Run(ctx, duck.SQL("CREATE OR REPLACE MACRO {n}(features, k) AS {reasons}({fields}, k)", a,
		duck.Args{"n": duck.Ident(stored.ReasonsName(f.name)), "reasons": duck.Ident(f.called().NativeReasons())}))
}

// numberFunction lets a BOOLEAN stand for a number, as the libraries do, and nothing else that DuckDB doesn't convert by itself.
const numberFunction = "dsql_number"

func argument(in input, v *duck.Query) *duck.Query {
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
	fns, err := versionsIn(ctx, c, "")
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

// versionsIn are the versions in the file of one model, or (name "") of all, in order. A model is read when it is first called.
func versionsIn(ctx context.Context, c *duck.Conn, name string) ([]function, error) {
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
			f.sig.Output, f.how, f.missing = model.OutputOf(o.Output), o.Python, o.Missing
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
	return f.called().Again(data, o.Options, out)
}

// bytes are those of the model's file. A query that calls it is going on: that needs a connection beside.
func (f function) bytes(db *duck.DB) (data []byte, err error) {
	ctx := context.Background()
	c, err := db.Reader(ctx)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	// Of a pickle one version may have the tables and another the pickle itself.
	found, err := c.Scan(ctx, duck.SQL("SELECT file FROM dsql.models WHERE lower(name) = lower({n}) AND hash = {h} AND "+
		"(json_extract(options, '$.python') IS NOT NULL) = {python} LIMIT 1", duck.Args{"n": f.name, "h": f.hash, "python": f.how != nil}), &data)
	if duck.IsMissing(err) && f.content != nil { // a file that is new has no catalog before it is committed
		err = nil
	}
	if err != nil || found || f.content == nil {
		return data, err
	}
	return f.content()
}
