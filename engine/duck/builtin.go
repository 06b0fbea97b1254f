package duck

import (
	_ "embed"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// What DuckDB itself brings doesn't change while the program runs, and the list takes DuckDB 18 ms to make: more than all else of a run
// without news. So it stands in builtin.txt, one routine a line: name, type, stability, and a macro's definition in quotes. Words that
// can't name a function though a bracket may follow them (IN, CAST) are there too, as keywords with their category. TestBuiltins holds
// it against the DuckDB that is linked, and writes it anew with -update.

//go:embed builtin.txt
var builtinText string

// builtins are DuckDB's own routines by name in lower case.
var builtins = sync.OnceValue(func() Routines {
	out := Routines{}
	for line := range strings.Lines(builtinText) {
		f := strings.SplitN(strings.TrimSuffix(line, "\n"), "\t", 4)
		r := Routine{Type: f[1], Stability: f[2]}
		if f[3] != "" {
			var err error
			if r.Macro, err = strconv.Unquote(f[3]); err != nil {
				panic("engine: builtin.txt: " + line)
			}
		}
		out[f[0]] = append(out[f[0]], r)
	}
	return out
})

// Reserved says that a word can't name anything in SQL unless it is quoted.
func Reserved(word string) bool {
	return slices.ContainsFunc(builtins()[strings.ToLower(word)],
		func(r Routine) bool { return r.Type == "keyword" && r.Stability == "reserved" })
}

// Builtin says that DuckDB itself brings a routine of that name.
func Builtin(name string) bool { return builtins()[strings.ToLower(name)] != nil }
