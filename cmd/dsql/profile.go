package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"

	"dsql/engine/duck"
	"dsql/pipeline/params"
	"dsql/sql"
	"dsql/sql/code"
)

// configFile has profiles: what commands take where neither a flag nor the environment says it. It stands beside the script, or above it.
const configFile = "dsql.toml"

// config is what dsql.toml says.
type config struct {
	Profile map[string]profile `toml:"profile"`
}

// profile is a set of answers under a name.
type profile struct {
	DB  string         `toml:"db"`
	Set map[string]any `toml:"set"`
}

// chosen is the profile that counts for a command; the zero value: none.
type chosen struct {
	profile
	name, file, from string // from: who named it
}

// chosenProfile is that of --profile, of DSQL_PROFILE, or the one called default. dir is the folder to look from.
func (s *streams) chosenProfile(dir string) (c chosen, err error) {
	c.name, c.from = s.cli.Profile, "--profile"
	if c.name == "" {
		c.name, c.from = os.Getenv("DSQL_PROFILE"), "DSQL_PROFILE"
	}
	named := c.name != ""
	if !named {
		c.name, c.from = "default", configFile
	}
	if c.file, err = findConfig(dir); err != nil {
		return c, err
	}
	if c.file == "" {
		if named {
			return c, sql.Errorf(code.NoProfile, "%s names the profile %s, and there is no %s", c.from, c.name, configFile).
				WithHint("it stands beside the script, or in a folder above: [profile." + c.name + "]")
		}
		return chosen{}, nil
	}
	all, err := readConfig(c.file)
	if err != nil {
		return c, err
	}
	p, ok := all.Profile[c.name]
	if !ok && named {
		names := slices.Sorted(maps.Keys(all.Profile))
		return c, sql.Errorf(code.NoProfile, "%s names the profile %s, and %s has none of that name", c.from, c.name, c.file).
			WithHint(sql.DidYouMean(c.name, names, sql.Listed("it has ", names, "add it: [profile."+c.name+"]")))
	}
	if !ok {
		return chosen{file: c.file}, nil
	}
	if c.profile = p; p.DB != "" && !filepath.IsAbs(p.DB) {
		c.DB = filepath.Join(filepath.Dir(c.file), p.DB)
	}
	return c, nil
}

// findConfig is the nearest dsql.toml, in a folder or above it; "": there is none.
func findConfig(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	for {
		path := filepath.Join(dir, configFile)
		if _, err := os.Stat(path); err == nil || !errors.Is(err, fs.ErrNotExist) {
			return path, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", nil
		}
		dir = up
	}
}

func readConfig(path string) (config, error) {
	var c config
	text, err := os.ReadFile(path)
	if err != nil {
		return c, sql.Errorf(code.NoRights, "%s can't be read: %s", path, cause(err)).WithHint("check its rights").WithCause(err)
	}
	d := toml.NewDecoder(bytes.NewReader(text))
	err = d.DisallowUnknownFields().Decode(&c)
	if err == nil {
		return c, nil
	}
	src := sql.NewSource(path, string(text))
	var strict *toml.StrictMissingError
	var wrong *toml.DecodeError
	what := err.Error()
	switch {
	case errors.As(err, &strict) && len(strict.Errors) > 0:
		wrong = &strict.Errors[0]
		what = "there is no setting " + strings.Join(wrong.Key(), ".")
	case errors.As(err, &wrong):
		what = strings.TrimPrefix(wrong.Error(), "toml: ")
	}
	at := sql.Place{Src: src}
	if wrong != nil {
		line, col := wrong.Position()
		at.Span = spanAt(string(text), line, col)
	}
	return c, at.Errorf(code.BadConfig, "%s",
		what).WithHint(`write [profile.dev] with db = "dev.duckdb" and set = { day = 2026-01-01 }`).WithCause(err)
}

// spanAt is a place by its line and column, counted from 1.
func spanAt(text string, line, col int) sql.Span {
	at := 0
	for range line - 1 {
		at += strings.IndexByte(text[at:], '\n') + 1
	}
	at = min(at+max(col-1, 0), len(text))
	end := at
	for end < len(text) && !strings.ContainsRune(" \t\r\n=]", rune(text[end])) {
		end++
	}
	return sql.Span{Start: at, End: end}
}

// given are the values of a profile.
func (c chosen) given() (out []params.Given) {
	for _, name := range slices.Sorted(maps.Keys(c.Set)) {
		text := fmt.Sprint(c.Set[name])
		if t, ok := c.Set[name].(time.Time); ok { // with an offset: Go's own form of it is none of DuckDB's
			text = t.Format(time.RFC3339Nano)
		}
		out = append(out, params.Given{Name: name, Text: text, From: "profile " + c.name, Shared: true})
	}
	return out
}

// showConfig says what came from where.
func (s *streams) showConfig(ctx context.Context, a *fileArgs) error {
	p, err := s.chosenProfile(".")
	if err != nil {
		return err
	}
	rows := []*duck.Query{}
	add := func(setting, value, from string) {
		rows = append(rows, duck.SQL("({s}, {v}, {f})", duck.Args{"s": setting, "v": value, "f": from}))
	}
	db, from := a.DB, "--db"
	if db == "" {
		db, from = p.database()
	}
	if db == "" {
		db, from = "the script's name with .duckdb; the only *.duckdb of the folder", "default"
	}
	add("db", db, from)
	if p.name != "" {
		add("profile", p.name, p.from)
	}
	if p.file != "" {
		add("config", p.file, "the nearest "+configFile)
	}
	set, err := given(nil, p, nil)
	if err != nil {
		return err
	}
	taken := map[sql.Key]bool{}
	for _, g := range set.Given {
		if !taken[sql.KeyOf(g.Name)] {
			add("set."+strings.ToLower(g.Name), g.Text, g.From)
		}
		taken[sql.KeyOf(g.Name)] = true
	}
	memory, err := duck.Open(ctx, "", duck.Options{})
	if err != nil {
		return err
	}
	defer memory.Close()
	r, err := memory.Writer().Query(ctx, duck.SQL("FROM (VALUES {rows}) t(setting, value, \"from\")", duck.Args{"rows": rows}), sql.Place{})
	if err != nil {
		return err
	}
	return errors.Join(s.show(r), r.Close())
}

// database is the file that is meant where --db doesn't say it: DSQL_DB's, or the profile's; and who says so.
func (c chosen) database() (path, from string) {
	if path := os.Getenv("DSQL_DB"); path != "" {
		return path, "DSQL_DB"
	}
	if c.DB != "" {
		return c.DB, "profile " + c.name
	}
	return "", ""
}
