// Package code has the codes of errors and warnings: stable words that users search for and scripts may rely on, each with the paragraph
// that says what it means and what to do (docs/errors.md is made of them) and the exit code that it ends the command with. A code can't
// be made elsewhere, so there is none without its paragraph. What an error says of its own case stands where it is made.
package code

import "strings"

// Exit codes of the command, as the language page has them.
const (
	Warning         = 0   // never ends a run
	ExitFailed      = 1   // an error at run time
	ExitScript      = 2   // the script is wrong
	ExitGate        = 3   // a check, a guard or a limit stopped the run
	ExitUnreachable = 4   // a file, folder or broker can't be reached
	ExitUsage       = 80  // the command line is wrong
	ExitInterrupted = 130 // stopped by the user
)

// Code names a kind of error. Codes are compared by ==; the zero Code is none.
type Code struct {
	name string
	exit int
}

func (c Code) String() string { return c.name }

// MarshalText is the word, for JSON.
func (c Code) MarshalText() ([]byte, error) { return []byte(c.name), nil }

// Exit is the command's exit code for errors of this kind; one error may have another.
func (c Code) Exit() int { return c.exit }

// IsDuckDB says that DuckDB found the error.
func (c Code) IsDuckDB() bool { return strings.HasPrefix(c.name, DuckDB.name) }

// OfDuckDB is the code of an exception of DuckDB's: "Conversion" gives duckdb-conversion. What it finds before a statement runs is an error
// of the script, and has a paragraph of its own.
func OfDuckDB(exception string) Code {
	name := DuckDB.name + "-" + strings.ToLower(strings.ReplaceAll(strings.TrimSpace(exception), " ", "-"))
	for _, c := range []Code{DuckDBParser, DuckDBBinder, DuckDBCatalog, DuckDBNotImplemented} {
		if c.name == name {
			return c
		}
	}
	return Code{name: name, exit: ExitFailed}
}

// section is a part of the page: paragraphs, each under the codes that it is about.
type section struct {
	title      string
	paragraphs []paragraph
}

type paragraph struct {
	codes []Code
	text  string
}

// add makes a code with its paragraph.
func (s *section) add(name string, exit int, text string) Code {
	s.paragraphs = append(s.paragraphs, paragraph{text: text})
	return s.like(name, exit)
}

// like makes a code that the newest paragraph is about as well.
func (s *section) like(name string, exit int) Code {
	c := Code{name, exit}
	p := &s.paragraphs[len(s.paragraphs)-1]
	p.codes = append(p.codes, c)
	return c
}

// Of is the code of that name, as a server tells it; the zero Code where there is none.
func Of(name string) Code {
	for _, s := range all() {
		for _, p := range s.paragraphs {
			for _, c := range p.codes {
				if c.name == name {
					return c
				}
			}
		}
	}
	if rest, ok := strings.CutPrefix(name, DuckDB.name+"-"); ok {
		return OfDuckDB(rest)
	}
	return Code{}
}

// Names are those of all codes.
func Names() (names []string) {
	for _, s := range all() {
		for _, p := range s.paragraphs {
			for _, c := range p.codes {
				names = append(names, c.name)
			}
		}
	}
	return names
}

func all() []section {
	return []section{script, declared, sources, rules, stored, models, monitors, python, files, topics, sinks, serving, spread, others}
}

const intro = `# Errors

Every error says where (file:line:col and the line with a caret), what is wrong and why, and what to do; the word in brackets is its code. All errors of a
script are told at once, one a place (of what the grammar of a statement refuses one a line), twenty at most.
`

// Page is docs/errors.md.
func Page() string {
	var b strings.Builder
	b.WriteString(intro)
	for _, s := range all() {
		b.WriteString("\n## " + s.title + "\n")
		for _, p := range s.paragraphs {
			var names []string
			for _, c := range p.codes {
				names = append(names, "**`"+c.name+"`**")
			}
			b.WriteString("\n" + strings.Join(names, ", ") + ": " + p.text + "\n")
		}
	}
	return b.String()
}
