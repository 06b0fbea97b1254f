package sql

import (
	"strings"

	"dsql/sql/code"
)

// duckdbHeads are the first words of DuckDB's statements.
var duckdbHeads = set(`ABORT ALTER ANALYZE ATTACH BEGIN CALL CHECKPOINT CLUSTER COMMENT COMMIT COPY CREATE DEALLOCATE DELETE DESC DESCRIBE DETACH
	DROP END EXECUTE EXPLAIN EXPORT FORCE FROM IMPORT INSERT INSTALL LOAD MERGE PIVOT PIVOT_LONGER PIVOT_WIDER PRAGMA PREPARE REINDEX
	RESET ROLLBACK SELECT SET SHOW START SUMMARIZE TABLE TRUNCATE UNPIVOT UPDATE USE VACUUM VALUES WITH`)

// duckdbSecond are words that DuckDB's statement of that head goes on with, or might in a later release. Where it goes on with
// any name, only a name behind that tells it from a slip.
var duckdbSecond = map[string]map[string]bool{
	"CREATE": set(`AGGREGATE COLLATION DATABASE EXTENSION FUNCTION GLOBAL INDEX LOCAL MACRO MATERIALIZED OR PERSISTENT POLICY PROCEDURE
		RECURSIVE ROLE SCHEMA SECRET SEQUENCE TABLE TEMP TEMPORARY TRIGGER TYPE UNIQUE UNLOGGED USER VIEW`),
	"DROP": set(`AGGREGATE COLLATION DATABASE EXTENSION FUNCTION INDEX MACRO MATERIALIZED PERSISTENT POLICY PROCEDURE ROLE SCHEMA SECRET
		SEQUENCE TABLE TEMP TEMPORARY TRIGGER TYPE USER VIEW`),
	"ALTER":    set(`DATABASE EXTENSION FUNCTION INDEX MACRO ROLE SCHEMA SEQUENCE TABLE TYPE USER VIEW`),
	"DESCRIBE": set(`ALL DATABASE`),
	"EXPLAIN":  set(`ANALYZE VERBOSE`),
	"ROLLBACK": set(`TRANSACTION WORK`),
	"VACUUM":   set(`ANALYZE FREEZE FULL VERBOSE`),
}

func set(words string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(words) {
		m[w] = true
	}
	return m
}

// unknown reports a statement that is a slip of one of dsql's, and can't be DuckDB's. What is neither is DuckDB's to report.
func (p *parser) unknown() {
	if p.foreign == maxForeign || len(p.grammar.forms) == 0 {
		return // no script, and DuckDB will say so
	}
	var words []string // the head in upper case, without OR REPLACE
	var at []Token
	for i := 0; i < len(p.head) && p.head[i].Kind == Word && len(p.headText(i)) <= maxWord; i++ {
		if i == 1 && p.is(1, "OR") && p.is(2, "REPLACE") {
			i++
			continue
		}
		words, at = append(words, strings.ToUpper(p.headText(i))), append(at, p.head[i])
	}
	if len(words) == 0 || p.maybeDuckDB(words) {
		return
	}
	p.foreign++
	var best, verbs []string
	slip, edits := 0, 0
	for _, f := range p.grammar.forms {
		i := f.slip(words)
		if i < 0 || i == 0 && duckdbHeads[words[0]] {
			if f.words[0] == words[0] && !duckdbHeads[words[0]] {
				verbs = append(verbs, strings.Join(f.words, " "))
			}
			continue
		}
		if d := distance(words[i], f.words[i]); best == nil || d < edits {
			best, slip, edits = f.words, i, d
		}
	}
	switch {
	case best != nil:
		p.fail(at[slip].Span, code.UnknownStatement, "did you mean "+strings.Join(best, " ")+"?", "there is no statement %s",
			tidy(keepStart(strings.Join(words[:slip+1], " "))))
	case verbs != nil:
		n := min(1, len(words)-1)
		p.fail(at[n].Span, code.UnknownStatement, "write "+orList(verbs), "there is no statement %s",
			tidy(keepStart(strings.Join(words[:n+1], " "))))
	}
}

func (p *parser) headText(i int) string { return p.text(p.head[i]) }

// maybeDuckDB reports that a statement of DuckDB's may begin so.
func (p *parser) maybeDuckDB(words []string) bool {
	if !duckdbHeads[words[0]] {
		return false
	}
	second := duckdbSecond[words[0]]
	if second == nil || len(words) < 2 || second[words[1]] {
		return true
	}
	switch words[0] {
	case "CREATE", "DROP", "ALTER":
		return false
	}
	return duckdbHeads[words[1]] || !p.isName(2)
}

// maxForeign bounds the search for slips in what is no script.
const maxForeign = 10_000

// slip is the index of the one word of the form's head that stands misspelt in words; -1 when there isn't just one.
func (f *form) slip(words []string) int {
	if len(words) < len(f.words) {
		return -1
	}
	at := -1
	for i, w := range f.words {
		if words[i] == w {
			continue
		}
		if at >= 0 || Nearest(words[i], []string{w}) == "" {
			return -1
		}
		at = i
	}
	return at
}
