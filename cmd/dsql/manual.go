package main

import (
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
)

// environment are the variables that commands read.
var environment = []struct{ name, doc string }{
	{"DSQL_DB", "the DuckDB file, where --db isn't given"},
	{"DSQL_PROFILE", "the profile of dsql.toml"},
	{"DSQL_SET_NAME", "the value of the parameter NAME"},
	{"DSQL_TOKEN", "the token for a server, and one that a server takes"},
	{"DSQL_PYTHON", "the Python of functions and models"},
	{"DSQL_ONNXRUNTIME", "the library of ONNX Runtime"},
	{"DSQL_HISTORY", "where dsql shell keeps its history; empty: nowhere"},
	{"NO_COLOR", "no colours"},
}

// manual is the page of the manual, as man shows it: all of it is what the command line knows of itself.
func manual(p *kong.Kong, version string) string {
	var b strings.Builder
	w := func(format string, args ...any) { fmt.Fprintf(&b, format, args...) }
	m := describe(p)
	w(".TH DSQL 1 \"\" \"dsql %s\" \"dsql\"\n.SH NAME\ndsql \\- events and files into one DuckDB file, by declarations in SQL\n", roff(version))
	w(".SH SYNOPSIS\n.B dsql\n.I command\n.RI [ flags ]\n.SH DESCRIPTION\n%s\n", paragraphs(p.Model.Help))
	w(".SH COMMANDS\n")
	for i, c := range m.commands {
		w(".SS \"%s\"\n%s\n", roff("dsql "+usageOf(p.Model.Children[i])), roff(c.help))
		roffFlags(&b, c.flags)
		if len(examples[c.name]) > 0 {
			w(".PP\nExamples:\n.PP\n.nf\n")
			for _, e := range examples[c.name] {
				w("    %s\n", roff(e))
			}
			w(".fi\n")
		}
	}
	w(".SH FLAGS OF ALL COMMANDS\n")
	roffFlags(&b, m.flags)
	w(".SH ENVIRONMENT\n")
	for _, e := range environment {
		w(".TP\n.B %s\n%s\n", roff(e.name), roff(e.doc))
	}
	w(".SH SEE ALSO\n.B dsql help\n.I STATEMENT\nshows how a statement is written.\n")
	return b.String()
}

// usageOf is a command with its arguments: run SCRIPT …
func usageOf(n *kong.Node) string {
	s := n.Name
	for _, a := range n.Positional {
		arg := strings.ToUpper(a.Name)
		if a.IsCumulative() {
			arg += " …"
		}
		if !a.Required {
			arg = "[" + arg + "]"
		}
		s += " " + arg
	}
	return s
}

func roffFlags(b *strings.Builder, flags []flag) {
	for _, f := range flags {
		name := roff("--" + f.name)
		if f.short != 0 {
			name = roff("-"+string(f.short)) + ", " + name
		}
		if f.takes {
			name += " " + roff(strings.Join(f.value.words, "|"))
			if len(f.value.words) == 0 {
				name += roff(f.placeholder)
			}
		}
		fmt.Fprintf(b, ".TP\n.B \"%s\"\n%s\n", strings.TrimSpace(name), roff(f.help))
	}
}

func paragraphs(text string) string {
	var out []string
	for _, p := range strings.Split(strings.TrimSpace(text), "\n\n") {
		if strings.HasPrefix(p, "  ") {
			p = ".nf\n" + roff(p) + "\n.fi"
		} else {
			p = roff(p)
		}
		out = append(out, p)
	}
	return strings.Join(out, "\n.PP\n")
}

// roff is a text in which nothing is a request of roff's.
func roff(s string) string {
	s = strings.NewReplacer(`\`, `\e`, "-", `\-`, `"`, `\(dq`, "'", `\(aq`, "`", `\(ga`, "…", "...", "→", `\(->`).Replace(s)
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		if strings.HasPrefix(l, ".") {
			lines[i] = `\&` + l
		}
	}
	return strings.Join(lines, "\n")
}
