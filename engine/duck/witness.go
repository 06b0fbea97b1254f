package duck

import (
	"slices"
	"sync"

	"dsql/sql"
)

// Condition is something of a declaration's that rows or batches go two ways by, or that they are given to.
type Condition struct {
	Of   string    // the destination
	Kind string    // one of those below
	Name string    // "" where it has none
	At   sql.Place // in the script
}

// The kinds of conditions. Of a model there is one way: that rows are given to it.
const (
	Constraint = "constraint"
	Check      = "check"
	DeleteWhen = "delete when"
	Where      = "where"
	Model      = "model"
)

// Seen is a condition and the ways that it has gone. NULL goes the way that its reader says.
type Seen struct {
	Condition
	True, False bool
}

// Witness notes which ways conditions go. Where a database has none (nil) its methods do nothing.
type Witness struct {
	mu  sync.Mutex
	all []Seen
	now string // the destination that rows are taken to
}

// seenName notes a condition of the witness, by its number: it gives what the condition gives. calledName notes a model.
const seenName, calledName = "dsql_seen", "dsql_called"

// Watch makes what the witness needs callable. It stands before anything is declared.
func (c *Conn) Watch(w *Witness) error {
	c.DB.witness = w
	err := c.Register(Function{Name: seenName, Params: []Type{"BIGINT", "BOOLEAN"}, Returns: "BOOLEAN", Volatile: true,
		Call: func(call *Call) error {
			numbers, _ := call.Ints(0)
			outcomes, _ := call.Bools(1)
			for r, outcome := range outcomes {
				w.note(int(numbers[r]), outcome)
			}
			call.Pass(1)
			return nil
		}})
	if err != nil {
		return err
	}
	return c.Register(Function{Name: calledName, Params: []Type{"VARCHAR", "BOOLEAN"}, Returns: "BOOLEAN", Volatile: true,
		Call: func(call *Call) error {
			if name, _ := call.Texts(0); call.N > 0 {
				w.called(name(0))
			}
			call.Pass(1)
			return nil
		}})
}

// Witness is the database's; nil: none.
func (db *DB) Witness() *Witness { return db.witness }

// Witnessed is a condition of the user's, noted where there is a witness. null is the way that NULL goes.
func (c *Conn) Witnessed(x Condition, q *Query, null bool) *Query {
	if c.DB.witness == nil {
		return q
	}
	before, behind := c.DB.witness.Around(x, null)
	return Cat(before, q, behind)
}

// Around is what stands before and behind a condition that is noted.
func (w *Witness) Around(x Condition, null bool) (before, behind *Query) {
	return SQL("{f}({n}, coalesce((", Args{"f": Ident(seenName), "n": w.Expect(x)}), SQL("), {null}))", Args{"null": null})
}

// Called is a call of a model, noted where there is a witness.
func (c *Conn) Called(name string, call *Query) *Query {
	if c.DB.witness == nil {
		return call
	}
	return SQL("CASE WHEN {f}({name}, true) THEN {call} END", Args{"f": Ident(calledName), "name": name, "call": call})
}

// Expect adds a condition to those that may be seen, once, and gives its number.
func (w *Witness) Expect(x Condition) int {
	if w == nil {
		return -1
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range w.all {
		if s := &w.all[i]; sql.Same(s.Of, x.Of) && s.Kind == x.Kind && sql.Same(s.Name, x.Name) && position(s.At) == position(x.At) {
			return i
		}
	}
	w.all = append(w.all, Seen{Condition: x})
	return len(w.all) - 1
}

// position is what stays of a place when the script is read once more.
func position(p sql.Place) sql.Position { return p.Src.Position(p.Span.Start) }

// Note says which way a condition went.
func (w *Witness) Note(x Condition, outcome bool) {
	if w != nil {
		w.note(w.Expect(x), outcome)
	}
}

func (w *Witness) note(i int, outcome bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all[i].True, w.all[i].False = w.all[i].True || outcome, w.all[i].False || !outcome
}

// Enter says which destination rows are taken to from now on; "": to none.
func (w *Witness) Enter(destination string) {
	if w != nil {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.now = destination
	}
}

// called: rows on their way to a destination were given to a model.
func (w *Witness) called(model string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range w.all {
		if s := &w.all[i]; s.Kind == Model && sql.Same(s.Of, w.now) && sql.Same(s.Name, model) {
			s.True = true
		}
	}
}

// Keep forgets the conditions that don't count.
func (w *Witness) Keep(counts func(Condition) bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all = slices.DeleteFunc(w.all, func(s Seen) bool { return !counts(s.Condition) })
}

// Seen are the conditions, in the order in which they were met.
func (w *Witness) Seen() []Seen {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.all)
}
