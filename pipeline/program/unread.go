package program

import (
	"slices"
	"strings"
	"unicode"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/sql"
)

// A rehearsal needs no views, macros and tables of a journal or stream that nothing in it reads: to make a journal's takes longer than all
// else of its check, and nothing of the user's stands in them but the names and types of columns, which are known by then.

// unread: no text of the script can lead to what the destination makes beside its tables. In a file that is there, views may.
func (p *Program) unread(n *Node) bool {
	d, ok := n.Destination()
	m, makes := n.Obj.(kind.Maker)
	if !ok || !makes || !p.fresh || slices.ContainsFunc(byText, func(w string) bool { return p.said(w) > 0 }) ||
		slices.ContainsFunc(n.Cols, func(c duck.Column) bool { return c.Type.Any(notPlain) }) {
		return false
	}
	if _, dated := n.Obj.(kind.Dated); dated { // its readers, and its own checks over the table, go through its macros
		if ch := d.Chain(); p.said(n.Name) != 1 || len(ch.Metrics)+len(ch.Checks) > 0 {
			return false
		}
	}
	return !slices.ContainsFunc(m.Makes(), func(name string) bool { return p.said(name) > 0 })
}

// alone: nothing in the script leads to the destination's tables either, those that judge its own batches neither; and DuckDB has no reason
// to refuse them.
func (p *Program) alone(n *Node) bool {
	d, _ := n.Destination()
	ch := d.Chain()
	names := map[sql.Key]bool{}
	for _, c := range n.Cols {
		names[sql.KeyOf(c.Name)] = true
	}
	return p.said(n.Name) == 1 && len(ch.Metrics)+len(ch.Checks) == 0 && len(names) == len(n.Cols)
}

// byText are words of what reads relations by texts, which may be put together, or brings views of its own.
var byText = []string{"query", "query_table", "map_value", "import"}

// notPlain: whether DuckDB compares such values is seen where its views are made.
func notPlain(t duck.Type) bool {
	switch t.ID() {
	case duck.TypeBoolean, duck.TypeTinyInt, duck.TypeSmallInt, duck.TypeInteger, duck.TypeBigInt, duck.TypeHugeInt, duck.TypeUTinyInt,
		duck.TypeUSmallInt, duck.TypeUInteger, duck.TypeUBigInt, duck.TypeFloat, duck.TypeDouble, duck.TypeDecimal, duck.TypeVarchar,
		duck.TypeBlob, duck.TypeDate, duck.TypeTime, duck.TypeTimestamp, duck.TypeTimestampTZ, duck.TypeUUID:
		return false
	}
	return true
}

// said is how often a name stands in the script, in texts and comments too; more than often where it is no word.
func (p *Program) said(name string) int {
	if strings.ContainsFunc(name, notOfWord) {
		return 1 << 30
	}
	if p.words == nil {
		p.words = map[string]int{}
		for _, st := range p.Stmts {
			for _, w := range wordsOf(st.Span.Of(st.Src)) {
				p.words[strings.ToLower(w)]++
			}
		}
	}
	return p.words[strings.ToLower(name)]
}

func notOfWord(r rune) bool { return r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) }
