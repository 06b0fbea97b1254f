package pyfunc

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/internal/lazy"
	"dsql/sql"
	"dsql/sql/code"
)

// hash tells one version of a function from another: what its results come of, not how it is run.
func (s Spec) hash() (string, error) {
	s.Options, s.OnError, s.Volatile = Options{}, "", false
	return hashOf(s)
}

func hashOf(v any) (string, error) {
	text, err := json.Marshal(v)
	return fmt.Sprintf("%x", sha256.Sum256(text)), err
}

// native is the name of the function in DuckDB: it can't be dropped there, so a name always means the same.
func (s Spec) native() (string, error) {
	h, err := hashOf(s)
	return fmt.Sprintf("dsql_py_%s_%.12s", strings.ToLower(s.Name), h), err
}

// version is a row of dsql.functions.
type version struct {
	number int
	hash   string
	spec   Spec
}

// newest is the function's version in the file, nil where there is none.
func newest(ctx context.Context, c *duck.Conn, name string) (*version, error) {
	found, err := versions(ctx, c,
		duck.SQL("SELECT version, hash, spec FROM dsql.functions WHERE lower(name) = lower({n}) ORDER BY version", duck.Args{"n": name}))
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return &found[len(found)-1], nil
}

func versions(ctx context.Context, c *duck.Conn, q *duck.Query) ([]version, error) {
	return duck.Select(ctx, c, q, func(row func(...any) error) (v version, err error) {
		var spec string
		if err := row(&v.number, &v.hash, &spec); err != nil {
			return v, err
		}
		return v, json.Unmarshal([]byte(spec), &v.spec)
	})
}

// complete reads what the function is made of.
func (f *declared) complete(env *kind.Env) (Spec, error) {
	s := f.spec
	s.Name = f.decl.Name
	dir, err := filepath.Abs(env.DirOf(f.decl))
	if err != nil {
		return s, err
	}
	s.Options.Dir = dir
	s.Code.Modules = nil
	if f.path == "" {
		return s, s.Code.gather(s.Code.Text, "", []string{dir})
	}
	path := f.path
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return s, f.decl.At(f.decl.Arg("FROM").Span).Errorf(code.FunctionFile, "%s can't be read: %s", f.path, reason(err)).
			WithHint("relative paths start at the script's folder").
			WithCause(err).
			WithExit(code.ExitUnreachable)
	}
	s.Code.Module = strings.TrimSuffix(filepath.Base(path), ".py")
	s.Code.Modules = map[string]module{s.Code.Module: {Path: path, Text: string(text)}}
	folders := []string{filepath.Dir(path)}
	if folders[0] != dir {
		folders = append(folders, dir)
	}
	return s, s.Code.gather(string(text), "", folders)
}

// Stale says that what the function is made of has changed, though its declaration hasn't.
func (f *declared) Stale(ctx context.Context, tx *duck.Tx, env *kind.Env) (string, error) {
	if f.kept {
		return "", nil
	}
	s, err := f.complete(env)
	if err != nil {
		return "", err
	}
	v, err := newest(ctx, tx.Conn, f.decl.Name)
	if err != nil || v == nil {
		return "", err
	}
	native, err := v.spec.native()
	if err != nil {
		return "", err
	}
	hostOf(tx.DB).moved(native, f.place())
	was, err := hashOf(v.spec.Code)
	if err != nil {
		return "", err
	}
	now, err := hashOf(s.Code)
	switch {
	case err != nil:
		return "", err
	case was != now:
		return "its code is another: version " + fmt.Sprint(v.number+1), nil
	case v.spec.Options.Dir != s.Options.Dir:
		return "its script stands in another folder", nil
	}
	return "", nil
}

// moved says where the text of a function stands now.
func (h *host) moved(native string, at Place) {
	h.mu.Lock()
	f := h.functions[native]
	h.mu.Unlock()
	if f != nil {
		f.mu.Lock()
		f.at = at
		f.mu.Unlock()
	}
}

// Define makes the function callable, and keeps what it is made of.
func (f *declared) Define(ctx context.Context, tx *duck.Tx, env *kind.Env) error {
	if f.kept {
		return nil
	}
	s, err := f.complete(env)
	if err != nil {
		return err
	}
	if err := f.signature(ctx, tx, &s); err != nil {
		return err
	}
	native, err := s.native()
	if err != nil {
		return err
	}
	fn, err := s.Register(tx.Conn, native, f.place())
	if err != nil {
		return f.decl.Errorf(code.FunctionType, "%s", err).WithCause(err)
	}
	if env.Look {
		if err := fn.compiles(ctx); err != nil {
			return err
		}
	}
	if err := f.store(ctx, tx, s); err != nil {
		return err
	}
	if err := f.run(ctx, tx, fn.macro(false)); err != nil || s.OnError != "REJECT" {
		return err
	}
	return f.run(ctx, tx, fn.macro(true))
}

func (f *declared) store(ctx context.Context, tx *duck.Tx, s Spec) error {
	h, err := s.hash()
	if err != nil {
		return err
	}
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	v, err := newest(ctx, tx.Conn, f.decl.Name)
	if err != nil {
		return err
	}
	a := duck.Args{"name": f.decl.Name, "v": 1, "hash": h, "spec": string(text), "now": duck.Now}
	if v != nil && v.hash == h {
		a["v"] = v.number
		return tx.Run(ctx, duck.SQL("UPDATE dsql.functions SET spec = {spec} WHERE lower(name) = lower({name}) AND version = {v}", a))
	}
	if v != nil {
		a["v"] = v.number + 1
	}
	return tx.Run(ctx, duck.SQL("INSERT INTO dsql.functions (name, version, hash, spec, since, created) VALUES ({name}, {v}, {hash}, {spec}, "+
		"(SELECT coalesce(max(version), 0) FROM dsql.versions), {now})", a))
}

// signature has DuckDB say what the types are.
func (f *declared) signature(ctx context.Context, tx *duck.Tx, s *Spec) error {
	d := f.decl
	spans := []sql.Span{d.Arg("RETURNS").Span}
	var params []sql.ColumnDef
	if v := d.Arg("#0"); v != nil {
		params = v.Columns
	}
	for _, p := range params {
		spans = append(spans, p.At)
	}
	list := duck.Each(", ", spans, func(sp sql.Span) *duck.Query { return duck.SQL("NULL::{t}", duck.Args{"t": duck.User(d.Src, sp)}) })
	cols, errs := tx.DescribeEach(ctx, []duck.Bound{{Query: duck.SQL("SELECT {t}", duck.Args{"t": list}), At: d.Place()}})
	if errs[0] != nil {
		return errs[0]
	}
	var bad sql.List
	for i, c := range cols[0] {
		fail := func(what string) {
			bad = append(bad, d.At(spans[i]).Errorf(code.FunctionType, "a Python function can't take or give %s", what).
				WithHint("CAST it to a STRUCT"))
		}
		typ := c.Type
		if t := foreign(typ); t != "" {
			if fail("a " + t.ID().String()); t.ID() != duck.TypeUnion {
				bad[len(bad)-1].Hint = "CAST it to another type, VARCHAR say"
			}
		}
		if i == 0 {
			s.Returns = typ
		} else {
			s.Params = append(s.Params, Param{params[i-1].Name.Text, typ})
		}
	}
	return bad.Err()
}

func (f *declared) run(ctx context.Context, tx *duck.Tx, qs ...*duck.Query) error {
	for _, q := range qs {
		if _, err := tx.ExecAt(ctx, q, f.decl.Place()); err != nil {
			return err
		}
	}
	return nil
}

// macro calls the native function by the name that users know, or (at) the one that takes a row's number first.
func (f *Function) macro(at bool) *duck.Query {
	names := make([]string, len(f.Params))
	values := make([]*duck.Query, len(f.Params))
	for i, p := range f.Params {
		names[i], values[i] = p.Name, duck.Ident(p.Name)
		if c := carried(p.Type); c != p.Type { // only values of the type are
			values[i] = duck.SQL("CAST(CAST({v} AS {t}) AS {c})", duck.Args{"v": values[i], "t": p.Type, "c": c})
		}
	}
	a := duck.Args{"name": duck.Ident(f.Name), "params": duck.Names(names), "native": duck.Ident(f.Native),
		"values": duck.Join(", ", values...),
		"t":      f.Returns}
	if at {
		row := "_row"
		for slices.ContainsFunc(names, func(n string) bool { return sql.Same(n, row) }) {
			row += "_"
		}
		a["name"], a["native"] = duck.Ident(atName(f.Name)...), duck.Ident(f.nativeAt())
		a["params"], a["values"] = duck.Names(append([]string{row}, names...)),
			duck.Join(", ", append([]*duck.Query{duck.Ident(row)}, values...)...)
	}
	if carried(f.Returns) != f.Returns {
		return duck.SQL("CREATE OR REPLACE MACRO {name}({params}) AS CAST({native}({values}) AS {t})", a)
	}
	return duck.SQL("CREATE OR REPLACE MACRO {name}({params}) AS {native}({values})", a)
}

// Drop removes the macro and all versions.
func (f *declared) Drop(ctx context.Context, tx *duck.Tx) error {
	a := duck.Args{"name": duck.Ident(f.decl.Name), "n": f.decl.Name}
	if err := tx.Run(ctx, duck.SQL("DELETE FROM dsql.functions WHERE lower(name) = lower({n})", a)); err != nil {
		return err
	}
	a["at"] = duck.Ident(atName(f.decl.Name)...)
	return f.run(ctx, tx, duck.SQL("DROP MACRO IF EXISTS {name}", a), duck.SQL("DROP MACRO IF EXISTS {at}", a))
}

var _ kind.Describer = (*declared)(nil)

// Describe has the arguments and the result.
func (f *declared) Describe(ctx context.Context, c *duck.Conn, _ kind.Fed) (*duck.Query, error) {
	v, err := newest(ctx, c, f.decl.Name)
	if err != nil {
		return nil, err
	}
	if v == nil {
		return nil, f.decl.Errorf(code.UnknownName, "the file has no function %s", f.decl.Name)
	}
	var rows []*duck.Query
	for i, p := range v.spec.Params {
		rows = append(rows, duck.SQL("({n}, {t}, {role})", duck.Args{"n": p.Name, "t": string(p.Type), "role": fmt.Sprintf("argument %d", i+1)}))
	}
	rows = append(rows, duck.SQL("({n}, {t}, 'result')", duck.Args{"n": v.spec.Name, "t": string(v.spec.Returns)}))
	return duck.SQL("FROM (VALUES {rows}) t(column_name, column_type, role)", duck.Args{"rows": duck.Join(", ", rows...)}), nil
}

// Restore makes the stored functions callable on a database that was just opened.
func Restore(ctx context.Context, c *duck.Conn) error {
	if err := register(c); err != nil {
		return err
	}
	found, err := versions(ctx, c, // every run asks that: a window would take thrice as long
		duck.SQL("SELECT max(version), arg_max(hash, version), arg_max(spec, version) FROM dsql.functions GROUP BY name ORDER BY name"))
	if duck.IsMissing(err) { // a file without a catalog, or of an older dsql
		return nil
	}
	for _, v := range found {
		native, nerr := v.spec.native()
		text := v.spec.Code.Text
		at := Place{}
		if text != "" {
			at = Place{Src: sql.NewSource("(function "+v.spec.Name+" in the file)", text)}
		}
		if nerr == nil {
			_, nerr = v.spec.Register(c, native, at)
		}
		err = errors.Join(err, nerr)
	}
	return err
}

var wrongFunction = lazy.Regexp(`'dsql_py_(.+)_[0-9a-f]{12}(\(.*?\))'`)

// Explain says in the words of functions what DuckDB says of those that they are made of.
func Explain(ctx context.Context, c *duck.Conn, e *sql.Error) {
	m := wrongFunction().FindStringSubmatch(e.Msg)
	if m == nil {
		return
	}
	e.Msg, e.Hint = fmt.Sprintf("the function %s takes other arguments than %s", m[1], m[2]), "see what it takes: DESCRIBE FUNCTION "+m[1]
	if v, err := newest(ctx, c, m[1]); err == nil && v != nil {
		params := make([]string, len(v.spec.Params))
		for i, p := range v.spec.Params {
			params[i] = p.Name + " " + string(p.Type)
		}
		e.Hint = "its arguments: " + strings.Join(params, ", ") + "; convert what isn't: CAST(… AS …)"
	}
}
