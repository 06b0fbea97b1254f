package main

import (
	"os"
	"slices"
	"strings"

	"dsql/pipeline/params"
	"dsql/sql"
	"dsql/sql/code"
)

// given are the values of parameters: of --set, and then those of the environment, where an empty one is none, and of the profile.
func given(flags []string, p chosen, warn func(*sql.Error)) (params.Set, error) {
	set := params.Set{Warn: warn}
	for _, f := range slices.Backward(flags) { // of one given twice the last counts
		name, value, ok := strings.Cut(f, "=")
		if !ok || name == "" {
			return set, sql.Errorf(code.Usage, "--set takes NAME=VALUE, and this is %s", f).
				WithHint("write --set day=2026-01-01; values are texts, which become the parameter's type")
		}
		set.Given = append(set.Given, params.Given{Name: name, Text: value, From: "--set"})
	}
	prefix := params.Variable("")
	for _, v := range os.Environ() {
		if name, value, ok := strings.Cut(v, "="); ok && value != "" && strings.HasPrefix(name, prefix) {
			set.Given = append(set.Given, params.Given{Name: strings.TrimPrefix(name, prefix), Text: value, From: name, Shared: true})
		}
	}
	set.Given = append(set.Given, p.given()...)
	return set, nil
}
