package program

import (
	"strings"

	"dsql/engine/kind"
	"dsql/sql"
)

// Verb is a statement that acts on what is declared: one value, listed in pipeline/run/verbs.go.
type Verb struct {
	// Syntax is its form; where On is given without the word behind the verb.
	Syntax *sql.Syntax
	// On makes it a verb on kinds, with a form for each: the word that stands for a kind behind the verb, "" where the kind hasn't this
	// verb. nil: it has one form.
	On func(kind.Kind) string
	// Check finds in the rehearsal what keeps it from being run. It sees all that is declared, and nothing that only a run knows. nil:
	// there is nothing to be found.
	Check func(*Program, *sql.Decl) error
	// Effect says what becomes of what is stored under its name; nil: Keeps.
	Effect func(*sql.Decl) Effect
	// Plan is what a plan says of it; nil: nothing.
	Plan *Planned
	// Run runs it: a kind.Action, a look.Action or an action of pipeline/run, by what it needs.
	Run Action
}

// Action is how a verb is run. Who runs scripts takes it by its type.
type Action interface {
	// Reads: nothing is changed by it, a file that is open for reading is enough.
	Reads() bool
}

// Effect is what a verb makes of what is stored. The rehearsal has to know it of what stands behind a declaration.
type Effect int

const (
	Keeps   Effect = iota // it must be there
	Refills               // it is filled again from its inputs: it may be gone, or have another shape
	Drops                 // it is given up, and the declaration with it
)

// EveryKind is On for a verb that all kinds have of which something is in the file.
func EveryKind(k kind.Kind) string {
	if k.Scripted {
		return ""
	}
	return k.Syntax.Keyword
}

// On kinds of one role.
var (
	OnSources      = ofRole(kind.Reads)
	OnDestinations = ofRole(kind.Stores)
	OnSinks        = ofRole(kind.Sends)
)

func ofRole(r kind.Role) func(kind.Kind) string {
	return func(k kind.Kind) string {
		if k.Role == r && !k.Scripted {
			return k.Syntax.Keyword
		}
		return ""
	}
}

// Listed is On for a verb on the plural of a kind.
func Listed(k kind.Kind) string { return k.Syntax.Plural }

// Declared is Check for a verb on a kind: what it names is there.
func Declared(p *Program, d *sql.Decl) error {
	_, err := p.Declared(d)
	return err
}

// Targets is Check for a verb on a destination.
func Targets(p *Program, d *sql.Decl) error {
	_, _, err := p.Target(d)
	return err
}

// Declared is what a verb on a kind names.
func (p *Program) Declared(d *sql.Decl) (*Node, error) {
	word := strings.ToLower(d.Syntax.Keyword)
	if n := p.Find(word, d.Name); n != nil {
		return n, nil
	}
	return nil, p.NotDeclared(word, sql.Name{Text: d.Name, Span: d.NameAt}, d)
}

// effect is that of a statement of the script; a declaration has none.
func (p *Program) effect(d *sql.Decl) Effect {
	if v := p.Language.Verb(d); v != nil && v.Effect != nil {
		return v.Effect(d)
	}
	return Keeps
}
