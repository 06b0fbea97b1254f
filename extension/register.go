package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"sync"

	"dsql/models/model"
	"dsql/models/stored"
)

// loading registers the models of one or more databases.
type loading struct {
	con  connection
	from map[string]registered // by name of a function: what is there already
}

// registered is of which database a function is, and what it is.
type registered struct{ database, signature string }

// load registers what the models of all attached databases are called by, and what is called to load those of another one.
func load(con connection, again *reopen) error {
	l := &loading{con, map[string]registered{}}
	databases, err := con.withModels()
	if err != nil {
		return err
	}
	for _, db := range databases {
		if _, err := l.database(db); err != nil {
			return fmt.Errorf("the models of %s: %w", db, err)
		}
	}
	return errors.Join(registerNumber(con), registerLoad(con, &loader{again: again, from: l.from}))
}

// database registers the models of one, and says how many versions it has. Their files are read now: no connection may stay that they could be
// read by when they are called.
func (l *loading) database(db string) (versions int, err error) {
	err = l.con.query("SELECT name, version::VARCHAR, hash, inputs, outputs, options, file, format FROM "+quoted(db)+
		".dsql.models ORDER BY name, version",
		func(r row) error {
			versions++
			f := &stored.Function{Name: r.text(0), Hash: r.text(2), Key: r.text(2), Returns: r.text(4)}
			if _, err := fmt.Sscan(r.text(1), &f.Version); err != nil {
				return err
			}
			signature := r.text(3) + r.text(4)
			var o struct {
				stored.Options
				Python json.RawMessage `json:"python"`
			}
			err := errors.Join(json.Unmarshal([]byte(r.text(5)), &o), json.Unmarshal([]byte(r.text(3)), &f.Inputs))
			f.Missing = o.Missing
			if f.Output = model.OutputOf(o.Output); o.Python != nil {
				f.Key = stored.PythonKey(f.Hash, o.Python)
			}
			if was, ok := l.from[f.Native()]; ok {
				if was.signature != signature {
					return fmt.Errorf("version %d of %s has other arguments than that of %s, though their file is the same: connect "+
						"anew, and LOAD where only one of them is attached", f.Version, f.Name, was.database)
				}
				return nil
			}
			l.from[f.Native()] = registered{db, signature}
			switch {
			case err != nil:
				return l.unusable(f, fmt.Errorf("version %d of the model %s is damaged: what dsql.models says of it can't be read (%w)", f.Version,
					f.Name, err))
			case o.Python != nil:
				return l.unusable(f, fmt.Errorf("the model %s is scored by Python, which dsql runs and this extension doesn't: ask dsql query, or "+
					"dsql serve", f.Name))
			}
			file := []byte(r.text(6))
			again := func(out model.Output) func() (*model.Model, error) {
				return sync.OnceValues(func() (*model.Model, error) { return f.Again(file, o.Options, out) })
			}
			f.Load, f.Explain = again(f.Output), again(model.Contrib)
			return l.usable(f, r.text(7) == "sklearn")
		})
	return versions, err
}

// usable registers the functions of a version.
func (l *loading) usable(f *stored.Function, throws bool) error {
	params := make([]string, len(f.Inputs))
	for i, in := range f.Inputs {
		params[i] = in.Type
	}
	if err := l.con.register(f.NativeReasons(),
		function{append(params[:len(params):len(params)], "BIGINT"), "reasons", f.Reasons(), throws}); err != nil {
		return err
	}
	return l.con.register(f.Native(), function{params, f.Returns, f.Score(), throws})
}

// unusable registers functions that say why there is nothing to call.
func (l *loading) unusable(f *stored.Function, why error) error {
	none := func(stored.Call) error { return why }
	if err := l.con.register(f.NativeReasons(), function{nil, "reasons", none, false}); err != nil {
		return err
	}
	return l.con.register(f.Native(), function{nil, f.Returns, none, false})
}

// registerNumber registers what macros of models wrap arguments in: a number, or a BOOLEAN that stands for one, and nothing else.
func registerNumber(con connection) error {
	return con.register("dsql_number", function{[]string{"DOUBLE"}, "DOUBLE", func(c stored.Call) error {
		in, valid := c.Doubles(0)
		copy(c.OutDoubles(), in)
		setNulls(c, valid)
		return nil
	}, false}, function{[]string{"BOOLEAN"}, "DOUBLE", func(c stored.Call) error {
		in, valid := c.Bools(0)
		out := c.OutDoubles()
		for i, v := range in {
			if out[i] = 0; v {
				out[i] = 1
			}
		}
		setNulls(c, valid)
		return nil
	}, false})
}

func setNulls(c stored.Call, valid []uint64) {
	for w, bits := range valid {
		if bits == math.MaxUint64 {
			continue
		}
		for r := w * 64; r < min(w*64+64, c.Rows()); r++ {
			if bits>>(r%64)&1 == 0 {
				c.SetNull(r)
			}
		}
	}
}
