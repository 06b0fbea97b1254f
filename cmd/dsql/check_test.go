package main

import (
	"encoding/json"
	"path/filepath"
	"regexp"
	"testing"
)

// One mistake is one error, whatever reads the declaration that has it: what only comes of it isn't told.
func TestOneMistakeOneError(t *testing.T) {
	t.Parallel()
	dir := newDemo(t)
	whole := read(t, filepath.Join(dir, "pipeline.sql"))
	declared := regexp.MustCompile(`(?m)^CREATE \w+ \w+`).FindAllStringIndex(whole, -1)
	if len(declared) < 6 {
		t.Fatalf("the demo has %d declarations", len(declared))
	}
	for i, at := range declared {
		mistake := []string{" KEYZ (a)", " AS SELECT FROM WHERE"}[i%2]
		put(t, filepath.Join(dir, "broken.sql"), whole[:at[1]]+mistake+whole[at[1]:])
		out, _ := asCommand(t, dir, "check", "broken.sql", "-o", "json").Output()
		var found []problem
		if err := json.Unmarshal(out, &found); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		errors := 0
		for _, p := range found {
			if p.Severity == "error" {
				errors++
			}
		}
		if errors != 1 {
			t.Errorf("%s%s: %s", whole[at[0]:at[1]], mistake, out)
		}
	}
}
