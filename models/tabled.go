package models

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"sync"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/models/model"
	"dsql/models/sklearn"
	"dsql/models/stored"
	"dsql/sql"
)

// An estimator of scikit-learn is read by Python once, at CREATE, which makes tables of it where it can. They are what the file keeps,
// under the pickle's hash, and Python isn't needed any more.

// byTables makes the function of tables. Where its load is nil Python scores the model, and a.Why says for what reason.
func (m *declared) byTables(ctx context.Context, tx *duck.Tx, fn function, a *about) (own function, want options, err error) {
	if a.tables == nil {
		return own, want, nil
	}
	vs, err := versions(ctx, tx.Conn, m.decl.Name)
	if err != nil {
		return own, want, err
	}
	if n := len(vs); n > 0 && vs[n-1].Options.Python != nil && vs[n-1].Hash == fn.hash && vs[n-1].Options.Output == m.output.String() &&
		slices.Equal(vs[n-1].Options.Inputs, m.inputs()) { // a version stays as it was stored
		a.Why = vs[n-1].Options.Way
		return own, want, nil
	}
	var loaded *model.Model
	about, fault := sklearn.About(a.tables)
	if fault == nil {
		loaded, fault = stored.Sparing(a.tables, model.Options{Output: m.output})
	}
	if fault == nil {
		fault = sklearn.Try(a.tables, loaded)
	}
	if fault != nil {
		a.Why = fault.Error()
	} else {
		a.Why = m.misfit(about.Inputs, about.Named)
	}
	if a.Why != "" {
		return own, want, nil
	}
	tables := a.tables
	sig, err := m.signature(loaded)
	if err != nil {
		return own, want, err
	}
	want = m.wanted(stored.Library{}, loaded)
	want.Way = about.Text
	own = function{name: fn.name, hash: fn.hash, format: fn.format, sig: sig, load: func() (*model.Model, error) { return loaded, nil }}
	own.content = func() ([]byte, error) { return tables, nil }
	known := own
	again := func(o model.Output) func() (*model.Model, error) {
		return sync.OnceValues(func() (*model.Model, error) { return known.again(tx.DB, want, o) })
	}
	own.explain = again(model.Contrib)
	if stored.Large(len(tables)) { // as of native ones: it isn't held beside what DuckDB needs to store it
		own.load = again(m.output)
		loaded = nil
		debug.FreeOSMemory()
	}
	return own, want, nil
}

// asDouble are the types that INPUT may give a number: those whose every value is a DOUBLE. Of others the library may make something else.
var asDouble = []duck.TypeID{duck.TypeDouble, duck.TypeBoolean, duck.TypeTinyInt, duck.TypeSmallInt, duck.TypeInteger, duck.TypeUTinyInt,
	duck.TypeUSmallInt, duck.TypeUInteger}

// misfit is what INPUT says that the tables don't.
func (m *declared) misfit(trained []model.Input, named bool) string {
	v := m.decl.Arg("INPUT")
	if v == nil {
		return ""
	}
	if len(v.Columns) != len(trained) {
		return fmt.Sprintf("INPUT names %d arguments, and it was trained with %d", len(v.Columns), len(trained))
	}
	for i, c := range v.Columns {
		in, t := trained[i], duck.Type(c.Type).ID()
		switch {
		case named && !sql.Same(in.Name, c.Name.Text):
			return fmt.Sprintf("argument %d was %s when it was trained, and INPUT calls it %s", i+1, in.Name, c.Name.Text)
		case in.Type == model.Varchar && t != duck.TypeVarchar, in.Type == model.Double && !slices.Contains(asDouble, t):
			return fmt.Sprintf("INPUT has %s as %s, and it takes %s", c.Name.Text, c.Type, in.Type)
		}
	}
	return ""
}

// Explain says which way each version of the model is scored.
func (m *declared) Explain(ctx context.Context, c *duck.Conn, _ kind.Stored) (string, error) {
	vs, err := versions(ctx, c, m.decl.Name)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, v := range vs {
		fmt.Fprintf(&b, "  version %d%s is scored by %s\n", v.Version, map[bool]string{true: ", which is in use,"}[v.InUse], v.way())
	}
	return b.String(), nil
}

// way says how a version is scored.
func (v version) way() string {
	o := v.Options
	switch library := o.For(model.OutputOf(o.Output)); {
	case o.Python != nil && o.Way != "":
		return "Python: " + o.Way
	case o.Python != nil && (v.Format == "sklearn" || v.Format == catboostFormat):
		return "Python: an older dsql stored it"
	case o.Python != nil:
		return "Python, as models of FORMAT " + v.Format + " are"
	case o.Way != "":
		return "dsql itself, without Python: " + o.Way
	case v.Format == "onnx" && library != "":
		return "onnxruntime, " + library
	case o.Trees > 0:
		return fmt.Sprintf("dsql itself: %s, %d trees", v.Format, o.Trees)
	}
	return "dsql itself: " + v.Format
}
