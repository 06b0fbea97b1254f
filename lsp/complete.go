package lsp

import (
	"maps"
	"slices"
	"sort"
	"strings"

	"dsql/engine/duck"
	"dsql/sql"
)

// completion is what may stand at a place.
type completion struct {
	s    *server
	d    *document
	self int       // where the statement begins
	more bool      // there is more to offer once a word has begun
	at   textRange // what is replaced: the word that is being written
	word string
	dot  bool // it stands behind a name and a dot
	seen map[string]bool
	out  []completionItem
}

// complete answers with what may stand where the cursor is: words of the syntax table, names of what the script has, columns.
func (s *server) complete(d *document, off int) completionList {
	stmts := s.statements(d)
	start, whole := off, ""
	from := 0 // where what stands before the place begins
	if i := sort.Search(len(stmts), func(i int) bool { return stmts[i].at > off }) - 1; i >= 0 {
		st := stmts[i]
		from, start, whole = st.at, st.at, st.src.Text
		if st.end < off { // it goes on, unless a semicolon ends it
			if ends := sql.Tokens(d.src, sql.Span{Start: st.end, End: off}); len(ends) > 0 {
				from, start, whole = ends[0].Span.End, off, ""
			}
		}
	}
	if _, ok := unclosed(d.src.Text[from:off]); !ok { // in a string or comment
		return completionList{Items: []completionItem{}}
	}
	text := d.src.Text[start:off]
	toks := sql.Tokens(sql.NewSource("", text), sql.Span{End: len(text)})
	begun := len(text)
	if n := len(toks); n > 0 && toks[n-1].Span.End == len(text) && (toks[n-1].Kind == sql.Word || toks[n-1].Kind == sql.Quoted) {
		begun = toks[n-1].Span.Start
		toks = toks[:n-1]
	}
	base := text[:begun]
	c := &completion{s: s, d: d, self: start, at: textRange{d.position(start + begun), d.position(off)}, word: text[begun:], seen: map[string]bool{},
		out: []completionItem{}}
	if strings.HasSuffix(base, "$") {
		c.names("parameter")
		return c.list()
	}
	if n := len(toks); n > 1 && toks[n-1].Span.Of(sql.NewSource("", text)) == "." && toks[n-1].Span.End == begun {
		c.dot = true
		c.columnsOf(whole, sql.NameOf(text[toks[n-2].Span.Start:toks[n-2].Span.End]))
		return c.list()
	}
	if heads := c.heads(base, toks); heads {
		return c.list()
	}
	e := expect(base, s.language.Forms)
	if e == nil {
		if _, ok := unclosed(base); ok {
			e = &expected{sql: true}
		} else {
			e = &expected{}
		}
	}
	c.expected(e, whole)
	return c.list()
}

func (c *completion) list() completionList { return completionList{c.more, c.out} }

// add offers something. What can't be written as it is called stands in quotes.
func (c *completion) add(kind int, label, detail, doc, sort string) {
	if c.seen[label] || len(c.word) > 0 && !strings.HasPrefix(strings.ToLower(label), strings.ToLower(strings.Trim(c.word, `"`))) {
		return
	}
	c.seen[label] = true
	text := label
	if kind != itemKeyword && kind != itemValue && !plain(label) {
		text = `"` + strings.ReplaceAll(label, `"`, `""`) + `"`
	}
	c.out = append(c.out, completionItem{Label: label, Kind: kind, Detail: detail, Documentation: doc, SortText: sort + label,
		TextEdit: textEdit{c.at, text}})
}

// plain: a name may be written without quotes.
func plain(name string) bool {
	toks := sql.Tokens(sql.NewSource("", name), sql.Span{End: len(name)})
	return len(toks) == 1 && toks[0].Kind == sql.Word && !duck.Reserved(name) && toks[0].Span.End == len(name) && toks[0].Span.Start == 0
}

// duckdbHeads are what statements of DuckDB's begin with.
var duckdbHeads = strings.Fields("SELECT FROM WITH INSERT UPDATE DELETE COPY SET ATTACH INSTALL LOAD PRAGMA SUMMARIZE PIVOT UNPIVOT")

// heads offers the words that statements begin with, and reports that the place is among those.
func (c *completion) heads(base string, toks []sql.Token) bool {
	var words []string
	for _, t := range toks {
		words = append(words, strings.ToUpper(base[t.Span.Start:t.Span.End]))
	}
	if len(words) >= 3 && words[0] == "CREATE" && words[1] == "OR" && words[2] == "REPLACE" {
		words = append([]string{"CREATE"}, words[3:]...)
	}
	found := false
	for _, f := range c.s.language.Forms {
		title := strings.Fields(f.Title())
		if len(title) > len(words) && slices.Equal(title[:len(words)], words) {
			found = true
			c.add(itemKeyword, strings.Join(title[len(words):], " "), "", f.Doc, "1")
		}
	}
	if len(words) == 0 {
		for _, w := range duckdbHeads {
			c.add(itemKeyword, w, "DuckDB", "", "2")
		}
	}
	return found
}

// words offers those of the syntax table.
func (c *completion) words(e *expected) {
	for _, w := range e.words {
		c.add(itemKeyword, w, "", "", "0")
	}
	for _, f := range e.items {
		if f.Keyword != "" {
			c.add(itemKeyword, f.Keyword, "", f.Doc, "0")
		}
	}
	for _, o := range e.options {
		c.add(itemProperty, o.Name, "option", o.Doc, "0")
	}
	c.clauses(e)
}

// expected offers what the syntax table has for the place.
func (c *completion) expected(e *expected, whole string) {
	c.words(e)
	if e.kind != "" {
		c.names(e.kind)
	}
	if e.columns || e.sql {
		c.columnsOf(whole, "")
	}
	if e.types {
		for _, t := range types {
			c.add(itemClass, t, "type", "", "1")
		}
	}
	if !e.sql {
		return
	}
	c.names("any")
	for _, w := range sqlWords {
		c.add(itemKeyword, w, "", "", "4")
	}
	if c.more = c.word == ""; c.more {
		return // functions are many
	}
	for _, f := range c.s.functions {
		c.add(itemFunction, f, "DuckDB", "", "5")
	}
}

// clauses offers keywords: where the first words of some stand there already, how those go on.
func (c *completion) clauses(e *expected) {
	before := strings.Fields(strings.ToUpper(e.text))
	before = before[max(0, len(before)-3):]
	begun := false
	for _, x := range e.clauses {
		words := strings.Fields(x.Keyword)
		for n := min(len(words)-1, len(before)); n > 0; n-- {
			if slices.Equal(words[:n], before[len(before)-n:]) {
				begun = true
				c.add(itemKeyword, strings.Join(words[n:], " "), "", x.Doc, "0")
			}
		}
	}
	for _, x := range e.clauses {
		if !begun && x.Keyword != "" {
			c.add(itemKeyword, x.Keyword, "", x.Doc, "1")
		}
	}
}

var types = strings.Fields(`BIGINT BLOB BOOLEAN DATE DECIMAL DOUBLE FLOAT HUGEINT INTEGER INTERVAL JSON SMALLINT STRUCT TIME TIMESTAMP TIMESTAMPTZ
	TINYINT UBIGINT UINTEGER UUID VARCHAR`)

var sqlWords = strings.Fields(`SELECT FROM WHERE GROUP ORDER BY HAVING QUALIFY LIMIT JOIN LEFT USING ON AS ASOF UNION ALL DISTINCT CASE WHEN THEN ELSE
	END AND OR NOT IN IS NULL LIKE BETWEEN EXISTS CAST FILTER OVER PARTITION INTERVAL DATE TIMESTAMP TRUE FALSE EXCEPT EXCLUDE REPLACE STREAM VALUES`)

// itemKinds are the kinds of names of which an editor has a picture.
var itemKinds = map[string]int{"function": itemFunction, "macro": itemFunction, "model": itemFunction, "experiment": itemFunction, "parameter": itemVariable}

// names offers those of declarations of a kind. In queries those stand too that a journal makes.
func (c *completion) names(kind string) {
	for _, st := range c.s.statements(c.d) {
		if st.kind == "" || st.at == c.self || kind != "any" && st.kind != kind || kind == "any" && st.kind == "parameter" {
			continue
		}
		item := itemKinds[st.kind]
		if item == 0 {
			item = itemStruct
		}
		c.add(item, st.name.Text, st.kind, "", "2")
		if kind == "any" && st.kind == "journal" {
			c.add(item, st.name.Text+"_history", "every version of "+st.name.Text, "", "3")
		}
	}
}

// columnsOf offers the columns of what a statement names; those of one name or alias alone, where it is given.
func (c *completion) columnsOf(whole, of string) {
	all := c.s.columns(c.d)
	src := sql.NewSource("", whole)
	toks := sql.Tokens(src, sql.Span{End: len(whole)})
	text := func(i int) string {
		if i < len(toks) && (toks[i].Kind == sql.Word || toks[i].Kind == sql.Quoted) {
			return sql.NameOf(toks[i].Span.Of(src))
		}
		return ""
	}
	named := map[string]bool{}
	for i := range toks {
		key := string(sql.KeyOf(text(i)))
		if all[key] == nil {
			continue
		}
		alias := text(i + 1)
		if sql.Same(alias, "AS") {
			alias = text(i + 2)
		}
		if of == "" || sql.Same(of, key) || alias != "" && sql.Same(of, alias) {
			named[key] = true
		}
	}
	for _, key := range slices.Sorted(maps.Keys(named)) {
		for _, col := range all[key] {
			c.add(itemField, col.Name, col.Type, "", "1")
		}
	}
}

// columns are those of what a script declares: as the last check found them, else as they are written.
func (s *server) columns(d *document) map[string][]Column {
	out := map[string][]Column{}
	for _, st := range s.statements(d) {
		if st.kind == "" {
			continue
		}
		key := string(sql.KeyOf(st.name.Text))
		if cols := d.columns[key]; cols != nil {
			out[key] = cols
		} else if len(st.columns) > 0 {
			out[key] = st.columns
		}
	}
	return out
}
