package models

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/models/catboost"
	"dsql/models/graph"
	"dsql/models/model"
	"dsql/models/stored"
	"dsql/pyfunc"
	"dsql/sql"
	"dsql/sql/code"
)

// Kind is CREATE MODEL.
var Kind = kind.Kind{
	Syntax: &sql.Syntax{
		Keyword: "MODEL", Plural: "MODELS",
		Clauses: []sql.Clause{
			{Keyword: "FROM", Arg: sql.ArgString, Required: true,
				Doc: "the model's file; its format is recognised: lightgbm (text), xgboost (json, ubj), catboost (cbm, json), onnx. With a FORMAT that " +
					"Python scores, the file or folder that is its"},
			{Keyword: "FORMAT", Arg: sql.ArgChoice, Words: []string{"lightgbm", "xgboost", "onnx", "python", "mlflow", "sklearn", "catboost"},
				Doc: "what the file must be; without it any of the first three, or CatBoost's. Those behind them are scored by Python: a folder with " +
					"model.py, a folder of MLflow's, and, where dsql can't, a pickle or joblib, a .cbm"},
			{Arg: sql.ArgOptions, Options: append([]sql.OptionDoc{{Name: "onnxruntime",
				Doc: "the path of onnxruntime's shared library (1.24 or a later 1.x), which then runs the ONNX model; without it DSQL_ONNXRUNTIME, " +
					"or dsql itself"}, {Name: missingOption,
				Doc: "a number that stands for a missing value, beside NULL and NaN, as the estimator was told: -999. Its library's file " +
					"doesn't keep it"}},
				pyfunc.OptionDocs...), Doc: "(onnxruntime '/path/lib.so'), or (python '.venv/bin/python', …): how it is run"},
			{Keyword: "INPUT", Arg: sql.ArgColumnDefs, Doc: "the arguments in the model's own order; without it those that the file names"},
			{Keyword: "OUTPUT", Arg: sql.ArgChoice, Words: []string{"prediction", "raw", "label", "contrib", "leaf"},
				Doc: "what the function gives: the library's own prediction (default), the margins, the class, what each input adds to the margins, " +
					"or the leaf of each tree"},
			{Keyword: "TAGS", Arg: sql.ArgOptions, Options: []sql.OptionDoc{{Name: sql.AnyOption, Doc: "any name and text"}},
				Doc: "notes to find the model by"},
		},
		Doc: "A model as a SQL function of its name. The same file again changes nothing, another file is a new version.",
		Example: `CREATE MODEL late_risk FROM 'models/late.txt' TAGS (owner 'ops');
SELECT late_risk(1.0, 2.0)`,
	},
	Compile: compile,
	List:    duck.SQL("SELECT name, version, format, inputs, outputs, tags, in_use, created FROM dsql.models ORDER BY name, version"),
	Verbs: []kind.Verb{{
		Syntax: &sql.Syntax{Verb: "ALTER", Keyword: "MODEL",
			Clauses: []sql.Clause{{Keyword: "USE VERSION", Arg: sql.ArgInt, Required: true,
				Doc: "the version that the model's name means from now on"}},
			Doc:     "Moves a model's name to another of its versions; every version stays callable as `name_vN`.",
			Example: "ALTER MODEL late_risk USE VERSION 1"},
		Run: useVersion,
	}},
}

// useVersion is ALTER MODEL name USE VERSION n.
func useVersion(ctx context.Context, tx *duck.Tx, d *sql.Decl) error {
	want := d.Arg("USE VERSION")
	fns, err := versionsIn(ctx, tx.Conn, d.Name)
	if err != nil {
		return err
	}
	if len(fns) == 0 {
		return d.Errorf(code.UnknownName, "there is no model %s", d.Name).WithHint("SHOW MODELS lists them")
	}
	for _, f := range fns {
		if int64(f.version) != want.Int {
			continue
		}
		if err := tx.Run(ctx, duck.SQL("UPDATE dsql.models SET in_use = version = {v} WHERE lower(name) = lower({name})",
			duck.Args{"v": f.version, "name": d.Name})); err != nil {
			return err
		}
		return f.macros(ctx, tx, true)
	}
	return d.At(want.Span).Errorf(code.UnknownVersion, "%s has no version %d: the versions are 1 to %d", d.Name, want.Int,
		fns[len(fns)-1].version).
		WithHint("SHOW MODELS lists them")
}

// Drop removes all versions. Their native functions stay in the process until it ends; nothing names them any more.
func (m *declared) Drop(ctx context.Context, tx *duck.Tx) error {
	fns, err := versionsIn(ctx, tx.Conn, m.decl.Name)
	if err != nil {
		return err
	}
	for _, f := range fns {
		if err := tx.Run(ctx, duck.SQL("DROP MACRO IF EXISTS {m}",
			duck.Args{"m": duck.Ident(f.versionName())})); err != nil {
			return err
		}
	}
	return tx.Run(ctx, duck.SQL("DROP MACRO IF EXISTS {m}", duck.Args{"m": duck.Ident(m.decl.Name)}),
		duck.SQL("DROP MACRO IF EXISTS {m}", duck.Args{"m": duck.Ident(stored.ReasonsName(m.decl.Name))}),
		duck.SQL("DELETE FROM dsql.models WHERE lower(name) = lower({name})", duck.Args{"name": m.decl.Name}))
}

// missingOption is the one of a number that stands for a missing value.
const missingOption = "missing"

// declared is a compiled CREATE MODEL.
type declared struct {
	decl   *sql.Decl
	path   string
	output model.Output
	tags   map[string]string
	kept   bool
	doubts []*sql.Error
	// missing is a number that stands for a missing value; nil: none does.
	missing *float64
}

// Kept is the declaration where it is one of the DuckDB file and not of a script: its model is the stored one, and where that came
// from isn't looked at. The file may stand on another machine.
func (m *declared) Kept() kind.Object {
	out := *m
	out.kept = true
	return &out
}

func compile(d *sql.Decl) (kind.Object, error) {
	m := &declared{decl: d, path: d.Arg("FROM").Text, tags: map[string]string{}}
	if o := d.Arg("OUTPUT"); o != nil {
		m.output = model.OutputOf(strings.ToLower(o.Text))
	}
	if v := d.Arg(""); v != nil {
		for _, o := range v.Options {
			if o.Name != missingOption {
				continue
			}
			x, err := strconv.ParseFloat(o.Text, 64)
			if o.Kind != sql.OptNumber || err != nil || math.IsInf(x, 0) {
				return nil, d.At(o.Value).Errorf(code.MissingValue, "missing is not a number").
					WithHint("write the one that stands for a missing value: (missing -999)")
			}
			m.missing = &x
		}
	}
	if t := d.Arg("TAGS"); t != nil {
		for _, o := range t.Options {
			m.tags[o.Name] = o.Text
		}
	}
	return m, nil
}

func (m *declared) Decl() *sql.Decl { return m.decl }

// Callable and Versions: see kind.Versioned.
func (m *declared) Callable()          {}
func (m *declared) Versions() []string { return []string{stored.ReasonsName(m.decl.Name)} }

// errorf is an error of the model's file.
func (m *declared) errorf(c code.Code, format string, args ...any) *sql.Error {
	return m.decl.At(m.decl.Arg("FROM").Span).Errorf(c, format, args...)
}

// Stale says what differs between the file on disk and the newest stored version, "" if nothing does. The declaration's text
// alone doesn't tell: a model's file may be replaced.
func (m *declared) Stale(ctx context.Context, tx *duck.Tx, env *kind.Env) (string, error) {
	if m.kept && m.pythonFormat() == "" { // there is nothing to look for
		return "", nil
	}
	vs, err := versions(ctx, tx.Conn, m.decl.Name)
	if err != nil {
		return "", err
	}
	*m.own(env) = !slices.ContainsFunc(vs, func(v version) bool { return v.Options.Python != nil }) && len(vs) > 0
	if m.kept {
		return "", nil
	}
	h, err := m.hash(env)
	if err != nil || len(vs) > 0 && vs[len(vs)-1].Hash == h {
		return "", err
	}
	return "its file is another one: a new version", nil
}

// Define loads the model, stores a new version where the file or what is asked of it differs from the newest one, and makes the
// functions.
func (m *declared) Define(ctx context.Context, tx *duck.Tx, env *kind.Env) error {
	if m.kept {
		return nil
	}
	if err := m.foreignOption(); err != nil {
		return err
	}
	made := m.native
	switch m.pythonFormat() {
	case "":
	case catboostFormat:
		made = m.ownOrPython
	default:
		made = m.inPython
	}
	fn, want, data, err := made(ctx, tx, env)
	if err != nil {
		return err
	}
	return m.version(ctx, tx, env, fn, want, data)
}

// native loads the model and makes the function of it. data is nil where the file is large.
func (m *declared) native(_ context.Context, tx *duck.Tx, env *kind.Env) (fn function, want options, data []byte, err error) {
	if data, err = m.read(env); err != nil {
		return fn, want, nil, err
	}
	rt, rtAt, err := m.library(env)
	if err != nil {
		return fn, want, nil, err
	}
	opt := m.loadOptions()
	opt.Output, opt.Missing = m.output, m.missing
	opt.Runtime = rt.For(m.output)
	loaded, err := stored.Sparing(data, opt)
	if err := m.unusable(err, rt, rtAt); err != nil {
		return fn, want, nil, err
	}
	if f := m.decl.Arg("FORMAT"); f != nil && !strings.EqualFold(f.Text, loaded.Format()) {
		return fn, want, nil, m.decl.At(f.Span).Errorf(code.ModelFormat, "%s is of format %s, not %s", m.path, loaded.Format(),
			strings.ToLower(f.Text)).WithHint("leave FORMAT out: formats are recognised")
	}
	if rt != (stored.Library{}) && loaded.Format() != "onnx" {
		return fn, want, nil, m.decl.At(rtAt).Errorf(code.ModelFormat, "%s is of format %s, which onnxruntime doesn't run", m.path,
			loaded.Format()).WithHint("leave the option out: dsql scores it itself")
	}
	sig, err := m.signature(loaded)
	if err != nil {
		return fn, want, nil, err
	}
	want = m.wanted(rt, loaded)
	fn = function{name: m.decl.Name, hash: hashOf(data), format: loaded.Format(), sig: sig, missing: m.missing,
		load: func() (*model.Model, error) { return loaded, nil }}
	fn.content = func() ([]byte, error) { return m.read(env) }
	again := func(o model.Output) func() (*model.Model, error) {
		return sync.OnceValues(func() (*model.Model, error) { return fn.again(tx.DB, want, o) })
	}
	fn.explain = again(model.Contrib)
	if stored.Large(len(data)) { // what reads it first loads it again: to hold it beside what DuckDB needs to store it would double the peak
		fn.load = again(m.output)
		loaded, data = nil, nil
		debug.FreeOSMemory()
	}
	return fn, want, data, nil
}

// version makes the function callable, as a new version where it isn't the newest one.
func (m *declared) version(ctx context.Context, tx *duck.Tx, env *kind.Env, fn function, want options, data []byte) error {
	vs, err := versions(ctx, tx.Conn, m.decl.Name)
	if err != nil {
		return err
	}
	*m.own(env) = fn.how == nil && !slices.ContainsFunc(vs, func(v version) bool { return v.Options.Python != nil })
	optText, err := json.Marshal(want)
	if err != nil {
		return err
	}
	if n := len(vs); n > 0 && vs[n-1].same(fn, want) {
		if vs[n-1].Options.run() != want.run() {
			fn.version = vs[n-1].Version
			if err := fn.register(tx.Conn); err != nil {
				return err
			}
			if err := fn.macros(ctx, tx, vs[n-1].InUse); err != nil {
				return err
			}
		}
		if err := m.addReasons(ctx, tx, vs); err != nil {
			return err
		}
		return tx.Run(ctx, duck.SQL("UPDATE dsql.models SET tags = {tags}, options = {options} WHERE lower(name) = lower({name}) AND version "+
			"= {v} AND (tags IS DISTINCT FROM {tags} OR options <> {options})",
			duck.Args{"tags": tagMap(m.tags), "options": string(optText), "name": m.decl.Name, "v": vs[n-1].Version}))
	}
	fn.version = 1
	if n := len(vs); n > 0 {
		fn.version = vs[n-1].Version + 1
	}
	if err := fn.register(tx.Conn); err != nil {
		return err
	}
	inputs, err := json.Marshal(fn.sig.Inputs)
	if err != nil {
		return err
	}
	a := duck.Args{"now": duck.Now, "name": m.decl.Name, "v": fn.version, "format": fn.format, "hash": fn.hash, "inputs": string(inputs),
		"outputs": string(fn.sig.Returns),
		"tags":    tagMap(m.tags), "options": string(optText)}
	if err := tx.Run(ctx, duck.SQL("UPDATE dsql.models SET in_use = false WHERE lower(name) = lower({name})", a)); err != nil {
		return err
	}
	if err := m.store(ctx, tx, env, a, data, fn.hash); err != nil {
		return err
	}
	return fn.macros(ctx, tx, true)
}

// unusable makes an error of Load's one at the user's text.
func (m *declared) unusable(err error, rt stored.Library, rtAt sql.Span) error {
	var lib *graph.RuntimeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &lib):
		hint := "give the path of libonnxruntime.so, as PyPI's onnxruntime wheel holds it in onnxruntime/capi; without it dsql runs most " +
			"models itself"
		if rt == (stored.Library{}) {
			hint = "it is named by " + stored.RuntimeVariable + ": " + hint
		}
		return m.decl.At(rtAt).Errorf(code.NoONNXRuntime, "%s", lib).WithHint(hint).WithCause(err)
	case strings.HasPrefix(err.Error(), "ONNX") && rt.For(m.output) == "":
		return m.errorf(code.BadModel, "%s can't be used as a model: %s", m.path, err).
			WithHint("onnxruntime runs most ONNX models: FORMAT onnx (onnxruntime '/path/libonnxruntime.so'), or " +
				stored.RuntimeVariable).WithCause(err)
	}
	hint := "dsql reads LightGBM's text format, XGBoost's JSON and UBJSON, CatBoost's own and JSON, and ONNX"
	var not *catboost.Unsupported
	if errors.As(err, &not) {
		hint = "have Python score it: FORMAT catboost (python '.venv/bin/python'), with a .cbm"
	}
	return m.errorf(code.BadModel, "%s can't be used as a model: %s", m.path, err).WithHint(hint).WithCause(err)
}

func (m *declared) loadOptions() model.Options {
	if in := m.decl.Arg("INPUT"); in != nil {
		return model.Options{Features: len(in.Columns), Categories: stored.Marked(m.inputs())}
	}
	return model.Options{}
}

func tagMap(tags map[string]string) *duck.Query {
	var keys []string
	for k := range tags {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	lit := func(s string) *duck.Query { return duck.Lit(s) }
	return duck.SQL("map([{keys}]::VARCHAR[], [{values}]::VARCHAR[])", duck.Args{"keys": duck.Each(", ", keys, lit),
		"values": duck.Each(", ", keys, func(k string) *duck.Query { return duck.Lit(tags[k]) })})
}
