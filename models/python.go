package models

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/models/stored"
	"dsql/pyfunc"
	"dsql/python"
	"dsql/sql"
	"dsql/sql/code"
)

// pythonFormats are those that Python scores, and whether a model of each is a folder.
var pythonFormats = map[string]bool{"python": true, "mlflow": true, "sklearn": false, "catboost": false}

// pythonFormat is that of the declaration, "" where Python isn't needed.
func (m *declared) pythonFormat() string {
	if f := m.decl.Arg("FORMAT"); f != nil {
		if _, ok := pythonFormats[strings.ToLower(f.Text)]; ok {
			return strings.ToLower(f.Text)
		}
	}
	return ""
}

// about is what Python says of a model.
type about struct {
	Unusable string            `json:"unusable"`
	Missing  string            `json:"missing"` // a module that the interpreter Python doesn't have
	Python   string            `json:"python"`
	Inputs   []pair            `json:"inputs"`
	Outputs  map[string]string `json:"outputs"`
	Tags     map[string]string `json:"tags"`
	Differs  []string          `json:"differs"`
	Why      string            `json:"why"` // there are no tables of it
	tables   []byte            // see models/sklearn; nil: there are none
}

// pair is a name and a type.
type pair [2]string

// known is what models said of themselves, by all that it comes of: a check and a run ask once.
var known sync.Map

// inPython asks Python what the model takes and gives, and makes the function of it.
func (m *declared) inPython(ctx context.Context, tx *duck.Tx, env *kind.Env) (fn function, want options, data []byte, err error) {
	if data, err = m.read(env); err != nil {
		return fn, want, nil, err
	}
	run, err := m.howRun(env)
	if err != nil {
		return fn, want, nil, err
	}
	fn = function{name: m.decl.Name, hash: hashOf(data), format: m.pythonFormat(), how: &run, sig: signature{Output: m.output}}
	if pythonFormats[fn.format] { // its modules may have names that another's have
		run.Pool = fn.hash
	}
	fn.content = func() ([]byte, error) { return m.read(env) }
	if fn.sig.Inputs, err = m.declaredInputs(ctx, tx); err != nil {
		return fn, want, nil, err
	}
	a, err := m.ask(ctx, tx, fn)
	if err != nil {
		return fn, want, nil, err
	}
	m.told(a)
	own, want, err := m.byTables(ctx, tx, fn, &a)
	if err != nil || own.load != nil {
		return own, want, a.tables, err
	}
	if fn.sig, err = m.agreed(ctx, tx, fn.sig, a); err != nil {
		return fn, want, nil, err
	}
	want = options{Options: stored.Options{Output: m.output.String(), Inputs: m.inputs()}, Reasons: true, Python: &run, Way: a.Why}
	return fn, want, data, nil
}

// told takes over what the model says of itself beside its function.
func (m *declared) told(a about) {
	for name, text := range a.Tags {
		if _, ok := m.tags[name]; !ok {
			m.tags[name] = text
		}
	}
	m.doubts = nil
	if len(a.Differs) > 0 {
		m.doubts = append(m.doubts, m.errorf(code.ModelRequirements, "the model %s was made with other packages: %s", m.decl.Name,
			strings.Join(a.Differs, "; ")).
			WithHint("install what it was made with, or name an interpreter that has it: FORMAT "+m.pythonFormat()+" (python '.venv/bin/python')"))
	}
}

// howRun reads FORMAT's options.
func (m *declared) howRun(env *kind.Env) (run pyfunc.Options, err error) {
	if run, err = pyfunc.ReadOptions(m.decl); err != nil {
		return run, err
	}
	run.Dir, err = filepath.Abs(env.DirOf(m.decl))
	return run, err
}

// foreignOption is an error where FORMAT has an option of another one.
func (m *declared) foreignOption() error {
	v, own := m.decl.Arg(""), m.pythonFormat() != ""
	if v == nil {
		return nil
	}
	for _, o := range v.Options {
		if o.Name == missingOption && m.pythonFormat() == catboostFormat { // it depends on the model
			continue
		}
		if forPython := slices.ContainsFunc(pyfunc.OptionDocs, func(d sql.OptionDoc) bool { return d.Name == o.Name }); forPython != own {
			what := "dsql scores this model itself: " + o.Name + " is for what Python scores"
			if own {
				what = "Python scores a model of FORMAT " + m.pythonFormat() + ": " + o.Name + " is for what dsql scores itself"
			}
			return m.decl.At(o.Value).Errorf(code.ModelFormat, "%s", what).WithHint("leave the option out")
		}
	}
	return nil
}

// Outside: see kind.Outside.
func (m *declared) Outside(env *kind.Env) bool { return m.pythonFormat() != "" && !*m.own(env) }

// own is what a run found of the stored versions: none is scored by Python.
func (m *declared) own(env *kind.Env) *bool {
	return kind.Known(env, m, func() *bool { return new(bool) })
}

// Doubts: see kind.Doubtful.
func (m *declared) Doubts() []*sql.Error { return m.doubts }

// declaredInputs are those of INPUT, with types as DuckDB writes them.
func (m *declared) declaredInputs(ctx context.Context, tx *duck.Tx) (out []input, err error) {
	v := m.decl.Arg("INPUT")
	if v == nil {
		return nil, nil
	}
	casts := duck.Each(", ", v.Columns, func(c sql.ColumnDef) *duck.Query {
		return duck.SQL("NULL::{t}", duck.Args{"t": duck.User(m.decl.Src, c.At)})
	})
	cols, err := tx.Describe(ctx, duck.SQL("SELECT {casts}", duck.Args{"casts": casts}), m.decl.Place())
	if err != nil {
		return nil, err
	}
	for i, c := range v.Columns {
		out = append(out, input{Name: c.Name.Text, Type: string(cols[i].Type)})
	}
	return out, nil
}

// ask has Python load the model.
func (m *declared) ask(ctx context.Context, tx *duck.Tx, fn function) (a about, err error) {
	inputs := []pair{}
	for _, in := range fn.sig.Inputs {
		inputs = append(inputs, pair{in.Name, in.Type})
	}
	args, err := json.Marshal(inputs)
	if err != nil {
		return a, err
	}
	how, err := json.Marshal(fn.how)
	if err != nil {
		return a, err
	}
	key := strings.Join([]string{fn.hash, fn.format, string(args), string(how)}, "\n")
	if was, ok := known.Load(key); ok {
		if a, ok := was.(about); ok {
			return a, nil
		}
	}
	s := fn.spec(tx.DB, "about", python.Tables(), fmt.Sprintf("tabler(DATA, %q, %s)", fn.format, args))
	s.Returns, s.Volatile = "BLOB", true
	native := fmt.Sprintf("dsql_model_about_%x", sha256.Sum256([]byte(key)))
	c, err := tx.DB.Reader(ctx) // what goes wrong in there ends no transaction
	if err != nil {
		return a, err
	}
	defer c.Close()
	if _, err := s.Register(c, native, m.place()); err != nil {
		return a, err
	}
	// the driver's way would spin meanwhile
	r, err := c.Query(ctx, duck.SQL("SELECT to_base64({f}())", duck.Args{"f": duck.Ident(native)}), m.decl.Place())
	if err != nil {
		return a, err
	}
	defer r.Close()
	var said []byte
	for r.Next() { // to the end: what is left open would take what the connection does next with it
		text, _ := r.Text(0)
		if said, err = base64.StdEncoding.DecodeString(text); err != nil {
			return a, err
		}
	}
	if err := r.Err(); err != nil {
		return a, err
	}
	said, a.tables, _ = bytes.Cut(said, []byte("\n"))
	if err := json.Unmarshal(said, &a); err != nil {
		return a, err
	}
	if len(a.tables) == 0 {
		a.tables = nil
	}
	if a.Unusable != "" {
		hint := "docs/python.md has what each FORMAT takes"
		if a.Missing != "" {
			hint = pyfunc.Install(a.Python, a.Missing)
		}
		return a, m.errorf(code.BadModel, "%s can't be used as a model: %s", m.path, a.Unusable).
			WithHint(hint + "; another interpreter is named by FORMAT " + fn.format + " (python '.venv/bin/python')")
	}
	if !stored.Large(len(a.tables)) { // else it is asked again, rather than kept
		known.Store(key, a)
	}
	return a, nil
}

func (m *declared) place() pyfunc.Place {
	f := m.decl.Arg("FORMAT")
	return pyfunc.Place{Src: m.decl.Src, Name: f.Span, Returns: f.Span, Text: f.Span}
}

// agreed joins what the model says with INPUT and OUTPUT.
func (m *declared) agreed(ctx context.Context, tx *duck.Tx, sig signature, a about) (signature, error) {
	if sig.Inputs == nil {
		for _, in := range a.Inputs {
			sig.Inputs = append(sig.Inputs, input{Name: in[0], Type: in[1]})
		}
	}
	if len(sig.Inputs) == 0 {
		return sig, m.errorf(code.ModelInputs, "neither the model nor the declaration says what its arguments are").
			WithHint("name them with their types: INPUT (age DOUBLE, plan VARCHAR)")
	}
	returns, ok := a.Outputs[m.output.String()]
	if !ok {
		return sig, m.decl.At(m.outputAt()).Errorf(code.ModelOutput, "the model has no %s", m.output).WithHint("use OUTPUT prediction")
	}
	types := []duck.Type{duck.Type(returns)}
	for _, in := range sig.Inputs {
		types = append(types, duck.Type(in.Type))
	}
	casts := duck.Each(", ", types, func(t duck.Type) *duck.Query { return duck.SQL("NULL::{t}", duck.Args{"t": t}) })
	cols, err := tx.Describe(ctx, duck.SQL("SELECT {casts}", duck.Args{"casts": casts}), m.decl.Place())
	if err != nil {
		return sig, m.errorf(code.BadModel, "the model names a type that is none of DuckDB's: %s", reason(err)).
			WithHint("correct its model.json").WithCause(err)
	}
	for i, c := range cols {
		t := c.Type
		if t.Has(unfit...) {
			at := m.decl.Arg("FROM").Span
			if v := m.decl.Arg("INPUT"); v != nil && i > 0 {
				at = v.Columns[i-1].At
			}
			return sig, m.decl.At(at).Errorf(code.ModelInputs, "a model in Python takes and gives no %s", t).
				WithHint("declare another type, DOUBLE or VARCHAR say")
		}
		if i == 0 {
			sig.Returns = t
		} else {
			sig.Inputs[i-1].Type = string(t)
		}
	}
	return sig, nil
}

// unfit are types of which a DataFrame has no values, or none that come back the same.
var unfit = []duck.TypeID{duck.TypeHugeInt, duck.TypeUHugeInt, duck.TypeBigNum, duck.TypeBit, duck.TypeUnion, duck.TypeEnum, duck.TypeJSON,
	duck.TypeInterval, duck.TypeTimeTZ}

// spec is the function in Python that an expression makes; DATA in it is the model's path.
func (f function) spec(db *duck.DB, entry, more, expression string) pyfunc.Spec {
	return pyfunc.Spec{Name: f.name, Options: *f.how, Returns: f.sig.Returns,
		Code: pyfunc.Code{Entry: entry, Text: python.Model + "\n\n" + more + entry + " = " + expression + "\n"},
		Data: func() (string, error) {
			return onDisk(db, f.hash, pythonFormats[f.format], func() ([]byte, error) { return f.bytes(db) })
		}}
}

// modelRows is how many rows a call of a model is given at once: what libraries do beside scoring is spread over so many.
const modelRows = 64 << 10

// registerPython makes the version callable: Python starts when it is first called.
func (f function) registerPython(c *duck.Conn) error {
	names := []string{}
	var params []pyfunc.Param
	for _, in := range f.sig.Inputs {
		names = append(names, in.Name)
		params = append(params, pyfunc.Param{Name: in.Name, Type: duck.Type(in.Type)})
	}
	list, err := json.Marshal(names)
	if err != nil {
		return err
	}
	s := f.spec(c.DB, "score", "", fmt.Sprintf("scorer(DATA, %q, %q, %q, %s)", f.format, f.sig.Output, f.sig.Returns, list))
	s.Params, s.Rows = params, modelRows
	_, err = s.Register(c, f.native(), pyfunc.Place{})
	return err
}

// key tells apart what is scored by Python: by its content and how it is run, since a name of a function always means the same.
func (f function) key() string {
	if f.how == nil {
		return f.hash
	}
	how, err := json.Marshal(f.how)
	if err != nil {
		panic(err) // texts and numbers can't fail
	}
	return stored.PythonKey(f.hash, how)
}
