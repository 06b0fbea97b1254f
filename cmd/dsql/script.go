package main

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"dsql/pipeline/program"
	"dsql/pipeline/run"
	"dsql/sql"
	"dsql/sql/code"
)

// scriptArgs are what commands on scripts take.
type scriptArgs struct {
	Script []string `arg:"" complete:"script" help:"Script files; - reads standard input."`
	DB     string   `name:"db" placeholder:"FILE" complete:"file" help:"The DuckDB file; the first script's name with .duckdb by default."`
	Set    []string `placeholder:"NAME=VALUE" sep:"none" help:"The value of a parameter; may be given several times."`
	Select []string `placeholder:"NAME" complete:"name" help:"Only these declarations: name, name+ with what reads it, +name with what it reads, kind:journal."`
	Stdin  string   `name:"stdin-filename" placeholder:"NAME" help:"What messages call the script that is read from standard input."`

	left string // the folder that the command was typed in
}

func (a *scriptArgs) options(s *streams) (program.Options, error) {
	o := program.Options{Language: run.Language, DB: a.DB, Dir: ".", Events: s.warn, Select: a.Select}
	p, err := s.chosenProfile(firstFolder(a.Script))
	if err != nil {
		return o, err
	}
	if o.Set, err = given(a.Set, p, s.warning); err != nil {
		return o, err
	}
	if o.DB == "" {
		o.DB, _ = p.database()
	}
	for i, name := range a.Script {
		src, err := s.script(name, a.Stdin)
		if err != nil {
			return o, err
		}
		o.Scripts = append(o.Scripts, src)
		if i == 0 && name != "-" {
			o.Dir = filepath.Dir(name)
			if o.DB == "" {
				o.DB = strings.TrimSuffix(name, filepath.Ext(name)) + ".duckdb"
			}
		}
	}
	if err := namesFile(o.DB); err != nil {
		return o, err
	}
	if o.DB == "" {
		return o, sql.Errorf(code.NoDB, "a script from standard input has no name to call its file by").
			WithHint("add --db FILE")
	}
	if !s.alone {
		return o, nil
	}
	if a.left, err = enter(&o, a.Script); err != nil {
		return o, noFolder(err)
	}
	return o, nil
}

// firstFolder is the folder of the first script.
func firstFolder(scripts []string) string {
	if len(scripts) == 0 || scripts[0] == "-" {
		return "."
	}
	return filepath.Dir(scripts[0])
}

// script reads a script; - is standard input, which messages call stdin where that isn't empty.
func (s *streams) script(name, stdin string) (*sql.Source, error) {
	var b []byte
	var err error
	if name == "-" {
		b, err = io.ReadAll(s.in)
	} else {
		b, err = os.ReadFile(name)
	}
	if errors.Is(err, fs.ErrPermission) {
		return nil, sql.Errorf(code.NoRights, "the script %s can't be read: no right to", name).
			WithHint("check the rights of the file and of its folder").WithCause(err)
	}
	if err != nil {
		return nil, sql.Errorf(code.NoFile, "the script %s can't be read: %s", name, cause(err)).
			WithHint("check the name; `dsql init` writes a script to start from").WithCause(err)
	}
	if name == "-" && stdin != "" {
		name = stdin
	}
	return sql.NewSource(name, string(b)), nil
}
