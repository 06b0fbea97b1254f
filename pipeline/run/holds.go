package run

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/pipeline/event"
	"dsql/pipeline/program"
	"dsql/quality"
	"dsql/rules"
	"dsql/sql"
	"dsql/sql/code"
)

// What is held back is written down in dsql.holds, and RELEASE HOLD and DISCARD HOLD are about these records only.
//
// A check holds the rows of a batch: they are in dsql.rejects, the source's place has moved, and the run goes on. A guard holds a load that
// waits in its source: the batch was rolled back and the run ended, as every run does (exit code 3) until somebody decides.

// guardName is what a guard is called among the names of checks.
const guardName = "guard"

// hold is a row of dsql.holds.
type hold struct {
	name        string // the check's, or guardName
	origin      string
	source      string // what the rows came from: a source, or (of a guard's) a stored table
	version     int64  // that put the rows into dsql.rejects; 0: a guard's
	first, last int64  // these rows, 0 where the batch had none
	load        loadInfo
	discard     bool
}

// loadInfo is what a batch was beside its rows.
type loadInfo struct {
	Snapshot bool              `json:"snapshot,omitempty"` // the whole table
	Time     *time.Time        `json:"time,omitempty"`     // of its file
	Captures map[string]string `json:"captures,omitempty"`
	Absent   []string          `json:"absent,omitempty"`
}

func loadOf(b fresh) loadInfo {
	in := b.input
	if in == nil {
		return loadInfo{}
	}
	l := loadInfo{Snapshot: in.Snapshot, Captures: in.Captures, Absent: in.Absent}
	if !in.FileTime.IsZero() {
		t := in.FileTime.UTC()
		l.Time = &t
	}
	return l
}

// from is what the rows of b came from.
func (b fresh) from() string {
	switch {
	case b.input != nil:
		return b.input.Source
	case b.in.Of != nil:
		return b.in.Of.Name
	}
	return ""
}

// keepHold writes down what a check holds back: rows of dsql.rejects, or a whole load, which is something without rows too.
func (r *runner) keepHold(ctx context.Context, tx *duck.Tx, n *program.Node, b fresh, check string, rows, version int64) error {
	l := loadOf(b)
	if rows == 0 && !l.Snapshot {
		return nil
	}
	text, err := json.Marshal(l)
	if err != nil {
		return err
	}
	return tx.Run(ctx, duck.SQL(`INSERT INTO dsql.holds SELECT {d}, {name}, {now}, {origin}, {rows}, {source}, {v}, min(id), max(id), {load}
		FROM dsql.rejects WHERE {rows} > 0 AND destination = {d} AND version = {v} AND starts_with(reason, 'check:') AND replayed_at IS NULL
			AND id > (SELECT coalesce(max(last_reject), 0) FROM dsql.holds WHERE destination = {d} AND version = {v})`,
		duck.Args{"now": duck.Now, "d": n.Name, "name": check, "origin": b.origin, "rows": rows, "source": b.from(), "v": version,
			"load": string(text)}))
}

// loadGuarded finds out where a guard holds something back.
func (r *runner) loadGuarded(ctx context.Context) error {
	names, err := duck.Select(ctx, r.Conn, duck.SQL("SELECT DISTINCT destination FROM dsql.holds WHERE version IS NULL"),
		func(row func(...any) error) (name string, err error) { return name, row(&name) })
	for _, name := range names {
		r.guarded[r.Program.Known(name)] = true
	}
	return err
}

// heldLoad is the error of a batch that a guard stopped.
type heldLoad struct {
	*kind.HeldBack
	node *program.Node
	b    fresh
}

// Unwrap is the error as users see it.
func (h *heldLoad) Unwrap() error { return h.Err }

// Record writes down what a guard holds back, once however often it is met.
func (h *heldLoad) Record(ctx context.Context, r *runner) error {
	l := loadOf(h.b)
	text, err := json.Marshal(l)
	if err != nil {
		return err
	}
	holds, err := r.holdsOf(ctx, r.Conn, h.node)
	if err != nil {
		return err
	}
	for _, was := range holds {
		if was.is(h.b) {
			return nil
		}
	}
	return r.update(ctx, func(tx *transaction) error {
		tx.guarded[h.node] = true
		if err := unguard(ctx, tx, h.node, h.b.from()); err != nil {
			return err
		}
		return tx.Run(ctx, duck.SQL("INSERT INTO dsql.holds VALUES ({d}, {name}, {now}, {origin}, {rows}, {source}, NULL, NULL, NULL, {load})",
			duck.Args{"now": duck.Now, "d": h.node.Name, "name": guardName, "origin": h.b.origin, "rows": h.Rows, "source": h.b.from(),
				"load": string(text)}))
	})
}

// unguard forgets what a guard held back of an input: it was taken, or another load waits now.
func unguard(ctx context.Context, tx *transaction, n *program.Node, from string) error {
	if !tx.guarded[n] {
		return nil
	}
	return tx.Run(ctx, duck.SQL("DELETE FROM dsql.holds WHERE destination = {d} AND version IS NULL AND source = {from}",
		duck.Args{"d": n.Name, "from": from}))
}

// is says that a batch is the load that a guard held back.
func (h *hold) is(b fresh) bool {
	if h.version > 0 || h.source != b.from() {
		return false
	}
	if b.input == nil { // up to which version it goes may have changed
		was, _, _ := strings.Cut(h.origin, "–")
		now, _, _ := strings.Cut(b.origin, "–")
		return was == now
	}
	now := loadOf(b)
	return h.origin == b.origin && (now.Time == nil) == (h.load.Time == nil) && (now.Time == nil || now.Time.Equal(*h.load.Time))
}

// holdsOf are the holds of a destination, oldest first.
func (r *runner) holdsOf(ctx context.Context, c *duck.Conn, n *program.Node) ([]*hold, error) {
	return duck.Select(ctx, c, duck.SQL(`SELECT name, coalesce(origin, ''), coalesce(source, ''), coalesce(version, 0), coalesce(first_reject, 0),
		coalesce(last_reject, 0), load::VARCHAR FROM dsql.holds WHERE destination = {d} ORDER BY since, rowid`,
		duck.Args{"d": n.Name}), func(row func(...any) error) (*hold, error) {
		h, text := &hold{}, ""
		if err := row(&h.name, &h.origin, &h.source, &h.version, &h.first, &h.last, &text); err != nil {
			return nil, err
		}
		return h, json.Unmarshal([]byte(text), &h.load)
	})
}

var releaseVerb = &program.Verb{
	Syntax: &sql.Syntax{Verb: "RELEASE HOLD", Example: "RELEASE HOLD orders",
		Doc: "Takes all that checks and the guard of a destination hold back (see dsql.holds), oldest first, a version each. " +
			"Metrics are recorded, with the verdict `released`."},
	Check: program.Targets,
	Plan:  &program.Planned{Action: "RELEASE HOLD", Touches: heldBy},
	Run:   action(func(r *runner, ctx context.Context, d *sql.Decl) error { return r.decide(ctx, d, false) }),
}

var discardVerb = &program.Verb{
	Syntax: &sql.Syntax{Verb: "DISCARD HOLD", Example: "DISCARD HOLD orders",
		Doc: "Gives up all that checks and the guard of a destination hold back: it is counted as dropped."},
	Check: program.Targets,
	Plan:  &program.Planned{Action: "DISCARD HOLD", Touches: heldBy},
	Run:   action(func(r *runner, ctx context.Context, d *sql.Decl) error { return r.decide(ctx, d, true) }),
}

// decide takes or gives up what is held back of a destination.
func (r *runner) decide(ctx context.Context, d *sql.Decl, discard bool) error {
	n, _, err := r.Program.Target(d)
	if err != nil {
		return err
	}
	holds, err := r.holdsOf(ctx, r.Conn, n)
	if err != nil {
		return err
	}
	if len(holds) == 0 {
		r.Warn(d.Errorf(code.NothingHeld, "nothing of %s is held back, and nothing was done", n.Name).
			WithHint("dsql.holds lists what checks and guards hold back"))
		return nil
	}
	for _, h := range holds {
		h.discard = discard
		if h.version > 0 {
			err = r.settle(ctx, n, h)
		} else {
			err = r.decideLoad(ctx, d, n, h)
		}
		if err != nil || r.stopped() {
			return err
		}
	}
	return nil
}

// settle takes the rows that a check holds back, or drops them.
func (r *runner) settle(ctx context.Context, n *program.Node, h *hold) error {
	rows := duck.SQL("id BETWEEN {first} AND {last}", duck.Args{"first": h.first, "last": h.last})
	return r.attempt(ctx, work{active: r.reached(n), replay: &replay{node: n, hold: h, where: rows}})
}

// endHold takes a hold's record away.
func endHold(ctx context.Context, tx *transaction, n *program.Node, h *hold) error {
	if tx.decided.hold == h {
		tx.decided.done = true
	}
	return tx.Run(ctx, duck.SQL(`DELETE FROM dsql.holds WHERE destination = {d} AND name = {name} AND coalesce(version, 0) = {v}
		AND coalesce(first_reject, 0) = {first} AND coalesce(origin, '') = {origin}`,
		duck.Args{"d": n.Name, "name": h.name, "v": h.version, "first": h.first, "origin": h.origin}))
}

// decideLoad reads the load that a guard holds back from its source once more. What lies before and behind it goes the usual way.
func (r *runner) decideLoad(ctx context.Context, d *sql.Decl, n *program.Node, h *hold) error {
	r.decided = decision{node: n, hold: h}
	defer func() { r.decided = decision{} }()
	wanted := map[*program.Node]bool{n: true}
	for _, m := range r.upstream(n) {
		wanted[m] = true
	}
	if err := r.bring(ctx, wanted); err != nil || r.decided.done || r.stopped() {
		return err
	}
	r.Warn(d.Errorf(code.NothingHeld, "%s, which was held back, isn't there any more as it was, and nothing was done about it", h.origin).
		WithHint("what its source has now is judged when it is read"))
	return r.update(ctx, func(tx *transaction) error { return unguard(ctx, tx, n, h.source) })
}

// decision is what is to become of the load that a guard holds back.
type decision struct {
	node *program.Node
	hold *hold // nil: nothing was decided
	done bool
}

// decision is what somebody decided about a batch: nil for nothing.
func (p *progress) decision(n *program.Node, b fresh) *hold {
	if b.held != nil {
		return b.held
	}
	if d := p.decided; d.hold != nil && d.node == n && !d.done && d.hold.is(b) {
		return d.hold
	}
	return nil
}

// upstream are the destinations whose rows come to n.
func (r *runner) upstream(n *program.Node) (out []*program.Node) {
	for _, in := range n.Inputs {
		if _, ok := in.Of.Destination(); ok {
			out = append(append(out, r.upstream(in.Of)...), in.Of)
		}
	}
	return out
}

// reached are n and the destinations that its new rows reach, in order.
func (r *runner) reached(n *program.Node) []*program.Node {
	reach := r.downstream(n, r.wanted(nil))
	out := []*program.Node{n}
	for _, m := range r.Program.Sorted() {
		if reach[m] {
			out = append(out, m)
		}
	}
	return out
}

// heldBack puts together what is recorded when a guard stops a write.
func heldBack(err error, n *program.Node, b fresh) error {
	var h *kind.HeldBack
	if !errors.As(err, &h) {
		return err
	}
	return &heldLoad{h, n, b}
}

// judged keeps the record of what is held back: of this batch, and of what was decided about it.
func (r *runner) judged(ctx context.Context, tx *transaction, n *program.Node, b fresh, decided *hold, measured quality.Result,
	v int64) error {
	if len(measured.Held) > 0 {
		if err := r.keepHold(ctx, tx.Tx, n, b, measured.Held[0], measured.HeldRows, v); err != nil {
			return err
		}
	}
	if err := unguard(ctx, tx, n, b.from()); err != nil {
		return err
	}
	if decided != nil && len(measured.Held) == 0 {
		return freed(ctx, tx, n, decided, v)
	}
	return nil
}

// discarded drops what was held back: all of the rows that a check holds, and what the rules leave of a load.
func discarded(ctx context.Context, tx *transaction, n *program.Node, h *hold, ruled rules.Outcome) (event.DestinationRows, error) {
	rows, err := tx.Int(ctx, duck.SQL("SELECT count(*) FROM {rows}", duck.Args{"rows": ruled.Rows}))
	if err != nil {
		return event.DestinationRows{}, err
	}
	out := event.DestinationRows{Kind: n.Kind, Name: n.Name, Dropped: ruled.Dropped + rows, Counts: kind.Counts{Rejected: ruled.Rejected}}
	out.In = out.Rejected + out.Dropped
	return out, endHold(ctx, tx, n, h)
}

// freed notes that what was held back is taken. The verdict of what a check held stands with its measurements.
func freed(ctx context.Context, tx *transaction, n *program.Node, h *hold, version int64) error {
	if h.version == 0 {
		if err := quality.Released(ctx, tx.Tx, n.Name, h.name, version); err != nil {
			return err
		}
	}
	return endHold(ctx, tx, n, h)
}

// settleAll settles all that is open of a destination: its rejects and its holds. What is stored is made anew, or goes.
func (r *runner) settleAll(ctx context.Context, tx *duck.Tx, n *program.Node) error {
	a := duck.Args{"now": duck.Now, "name": n.Name, "late": duck.SQL("false")}
	if _, total := n.Total(); total { // what is closed stays so
		a["late"] = isLate
	}
	return tx.Run(ctx,
		duck.SQL("UPDATE dsql.rejects SET replayed_at = {now} WHERE destination = {name} AND replayed_at IS NULL AND NOT {late}", a),
		duck.SQL("DELETE FROM dsql.holds WHERE destination = {name}", a))
}
