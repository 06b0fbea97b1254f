package journal

import (
	"slices"
	"strings"

	"dsql/engine/duck"

	"dsql/engine/kind"
	"dsql/sql"
	"dsql/sql/code"
)

// Kind is CREATE JOURNAL.
var Kind = kind.Kind{
	Syntax: &sql.Syntax{
		Keyword: "JOURNAL", Plural: "JOURNALS",
		Clauses: append([]sql.Clause{
			{Keyword: "KEYS", Arg: sql.ArgNames, Required: true, Doc: "the columns that say which thing a row is about"},
			{Keyword: "SEQUENCE BY", Arg: sql.ArgExprs, Doc: "a feed of changes: what orders the events of a key, whatever order they arrive in"},
			{Keyword: "SNAPSHOT AT", Arg: sql.ArgExpr, Doc: "whole tables: the time of a load, from a part of the file's path or from _meta"},
			{Keyword: "SNAPSHOT", Arg: sql.ArgNone, Doc: "whole tables, each at the time of its file"},
			{Keyword: "DELETE WHEN", Arg: sql.ArgExpr, Doc: "which events of a feed delete their key"},
			{Keyword: "COLUMNS", Arg: sql.ArgColumns, Doc: "what is stored beside the keys (default: *)"},
			{Keyword: "TRACK", Arg: sql.ArgColumns, Doc: "whose change makes a version (default: COLUMNS without keys and sequence columns)"},
			{Keyword: "IGNORE NULL UPDATES", Arg: sql.ArgNone, Doc: "a NULL in an event of a feed leaves the value as it was"},
			{Keyword: "IGNORE NULL UPDATES ON", Arg: sql.ArgNames, Doc: "the same for these columns only"},
			{Keyword: "LATENESS", Arg: sql.ArgExpr,
				Doc: "an event older by more than this than the newest accepted before it is rejected: INTERVAL 30 DAYS"},
			{Keyword: "ON MISSING", Arg: sql.ArgChoice, Words: []string{"CLOSE", "KEEP"},
				Doc: "what becomes of a key that a load doesn't have: CLOSE (default) ends its version at the load's time"},
			{Keyword: "IF REMOVED", Arg: sql.ArgPercent,
				Doc: "holds a load back that would close this share of the open keys or more (default: < 50 PERCENT; above 100: never)"},
			{Keyword: "STORED AS SCD TYPE", Arg: sql.ArgInt, Doc: "2 (default) keeps the history, 1 only the state now"},
		}, kind.ChainClauses...),
		Body: []sql.Clause{
			{Keyword: "AS", Arg: sql.ArgQuery,
				Doc: "the query whose rows are events or loads; it reads the new rows of the relation marked STREAM, or else of the first in its FROM"},
			{Keyword: "FROM", Arg: sql.ArgNameList, Doc: "one input, or several with the same columns"},
		},
		Doc: "A non-duplicated record of data that changes: the state now, every version with its times, " +
			"and what was believed at any version of the file.",
		Example: `CREATE SOURCE plane_events (tailnum VARCHAR, op VARCHAR, seats INTEGER, updated_at TIMESTAMP)
  FROM FILES ('in/*.csv', format csv);
CREATE JOURNAL planes
  KEYS (tailnum)
  SEQUENCE BY updated_at
  DELETE WHEN op = 'd'
  COLUMNS * EXCEPT (op)
  FROM plane_events`,
	},
	Role:    kind.Stores,
	Compile: func(d *sql.Decl) (kind.Object, error) { return compile(d) },
}

// Journal is a compiled CREATE JOURNAL. It holds what the user wrote; what that means for the columns at hand is a layout.
type Journal struct {
	decl  *sql.Decl
	chain *kind.Chain

	keys     []sql.Name
	sequence []sql.Span // of a feed
	at       *sql.Span  // of a snapshot; nil: the file's time
	deleted  *sql.Span
	columns  *sql.Value // nil: *
	track    *sql.Value // nil: the default
	ignore   bool       // IGNORE NULL UPDATES
	ignoreOn []sql.Name // nil: all columns
	lateness *sql.Span
	keep     bool    // ON MISSING KEEP
	guard    float64 // IF REMOVED < n PERCENT
	scd      int     // 1 or 2

	maxVectors int64 // see end
	reshape    bool  // see Reshaped
}

func (j *Journal) Decl() *sql.Decl    { return j.decl }
func (j *Journal) Chain() *kind.Chain { return j.chain }

// KeyNames are the columns that the state has one row each of.
func (j *Journal) KeyNames() []string {
	out := make([]string, len(j.keys))
	for i, k := range j.keys {
		out[i] = k.Text
	}
	return out
}

// Undivided: what hangs on rows of all keys can't be told of the rows of some.
func (j *Journal) Undivided() *sql.Error {
	switch {
	case !j.feed():
		return j.decl.Errorf(code.NotSpread, "%s takes whole tables, and no process has one", j.decl.Name)
	case j.lateness != nil:
		return j.decl.At(*j.lateness).Errorf(code.NotSpread, "LATENESS of %s goes by the newest event of any key, which no process knows",
			j.decl.Name)
	}
	return nil
}

// Located: see kind.Located.
func (j *Journal) Located() (string, *duck.Query) {
	return j.decl.Name + "__now", duck.SQL("_v_close = 0 AND _v_to = 0")
}

func (j *Journal) feed() bool { return j.sequence != nil }

const defaultGuard = 50

// Clauses that belong to one of the two modes.
var (
	feedOnly     = []string{"DELETE WHEN", "IGNORE NULL UPDATES", "IGNORE NULL UPDATES ON", "LATENESS"}
	snapshotOnly = []string{"ON MISSING", "IF REMOVED"}
)

func compile(d *sql.Decl) (*Journal, error) {
	j := &Journal{decl: d, chain: kind.CompileChain(d), keys: d.Arg("KEYS").Names, columns: d.Arg("COLUMNS"),
		track: d.Arg("TRACK"), guard: defaultGuard, scd: 2, maxVectors: defaultMaxVectors}
	var errs sql.List
	fail := func(e *sql.Error) { errs = append(errs, e) }
	expr := func(clause string) *sql.Span {
		if v := d.Arg(clause); v != nil {
			return &v.Exprs[0]
		}
		return nil
	}
	if v := d.Arg("SEQUENCE BY"); v != nil {
		j.sequence = v.Exprs
	}
	j.at, j.deleted, j.lateness = expr("SNAPSHOT AT"), expr("DELETE WHEN"), expr("LATENESS")
	snapshot := d.Arg("SNAPSHOT AT")
	if snapshot == nil {
		snapshot = d.Arg("SNAPSHOT")
	}
	others := feedOnly
	switch {
	case j.feed() && snapshot != nil:
		fail(d.At(snapshot.Keyword).Errorf(code.JournalMode, "journal %s has both SEQUENCE BY and SNAPSHOT", d.Name).
			WithHint("keep SEQUENCE BY for a feed of changes, SNAPSHOT for loads of the whole table").
			WithNote(d.At(d.Arg("SEQUENCE BY").Keyword), "SEQUENCE BY stands here"))
	case !j.feed() && snapshot == nil:
		fail(d.At(d.NameAt).Errorf(code.JournalMode, "journal %s doesn't say how its rows are ordered in time", d.Name).
			WithHint("add: SEQUENCE BY expression for a feed of changes, or SNAPSHOT AT expression for loads of the whole table"))
		others = nil
	case j.feed():
		others = snapshotOnly
	}
	for _, c := range others {
		if v := d.Arg(c); v != nil {
			mode, other := "a snapshot journal", "SEQUENCE BY"
			if j.feed() {
				mode, other = "a feed", "SNAPSHOT"
			}
			fail(d.At(v.Keyword).Errorf(code.JournalMode, "%s has no meaning for %s", c, mode).
				WithHint("remove it: it belongs to journals with " + other))
		}
	}
	all, on := d.Arg("IGNORE NULL UPDATES"), d.Arg("IGNORE NULL UPDATES ON")
	if j.ignore = all != nil || on != nil; all != nil && on != nil {
		fail(d.At(all.Keyword).Errorf(code.DuplicateClause, "IGNORE NULL UPDATES is given for all columns and for some").
			WithHint("keep one of the two"))
	}
	if on != nil {
		j.ignoreOn = on.Names
	}
	if v := d.Arg("ON MISSING"); v != nil {
		j.keep = v.Text == "KEEP"
	}
	if v := d.Arg("IF REMOVED"); v != nil {
		if j.guard = v.Number; j.keep {
			fail(d.At(v.Keyword).Errorf(code.JournalMode, "ON MISSING KEEP closes nothing, so IF REMOVED guards nothing").
				WithHint("remove it, or write ON MISSING CLOSE"))
		}
	}
	if v := d.Arg("STORED AS SCD TYPE"); v != nil {
		if j.scd = int(v.Int); v.Int != 1 && v.Int != 2 {
			fail(d.At(v.Span).Errorf(code.BadChoice, "there is no SCD type %d here", v.Int).
				WithHint("write 1 to keep the state now only, or 2 (the default) to keep its history"))
		}
	}
	for i, k := range j.keys {
		if slices.ContainsFunc(j.keys[:i], func(o sql.Name) bool { return strings.EqualFold(o.Text, k.Text) }) {
			fail(d.At(k.Span).Errorf(code.DuplicateName, "%s is named twice in KEYS", k.Text).
				WithHint("remove one of them"))
		}
	}
	return j, errs.Err()
}

// Needs says that a clause uses _meta or _version, so that Write's rows must have it.
func (j *Journal) Needs(column string) bool {
	return slices.ContainsFunc(j.exprs(), func(sp sql.Span) bool {
		return slices.ContainsFunc(sql.Tokens(j.decl.Src, sp), func(t sql.Token) bool {
			return strings.EqualFold(identifier(j.decl.Src, t), column)
		})
	})
}

// exprs are the expressions over a row that the declaration has.
func (j *Journal) exprs() []sql.Span {
	out := slices.Clone(j.sequence)
	for _, sp := range []*sql.Span{j.at, j.deleted} {
		if sp != nil {
			out = append(out, *sp)
		}
	}
	return out
}

// order are the expressions that order the journal in time.
func (j *Journal) order() []sql.Span {
	if j.at != nil {
		return []sql.Span{*j.at}
	}
	return j.sequence
}

// identifier is a token's name without quotes, "" where it is none.
func identifier(src *sql.Source, t sql.Token) string {
	text := t.Span.Of(src)
	if t.Kind == sql.Quoted {
		text, _ = sql.Unquote(text)
	} else if t.Kind != sql.Word {
		return ""
	}
	return text
}

// lastName is the column that an expression consists of, or its last part: offset of _meta.offset. bare says that it is a column.
func lastName(src *sql.Source, sp sql.Span) (name string, bare bool) {
	toks := sql.Tokens(src, sp)
	for i, t := range toks {
		if i%2 == 1 && t.Span.Of(src) == "." {
			continue
		}
		if name = identifier(src, t); i%2 == 1 || name == "" {
			return "", false
		}
	}
	return name, len(toks) == 1
}

// mentions are the columns that an expression may name: not functions, and not what stands behind a dot.
func mentions(src *sql.Source, sp sql.Span) []string {
	var out []string
	toks := sql.Tokens(src, sp)
	for i, t := range toks {
		behindDot := i > 0 && toks[i-1].Span.Of(src) == "."
		call := i+1 < len(toks) && toks[i+1].Span.Of(src) == "("
		if n := identifier(src, t); n != "" && !behindDot && !call {
			out = append(out, n)
		}
	}
	return out
}
