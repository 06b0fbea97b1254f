package sql

import (
	"slices"
	"strings"

	"dsql/sql/code"
)

// reader reads the tokens of one declaration. Brackets are matched beforehand, so every list is cut into its elements, and each
// of those is read by itself: i and end are the bounds of what is being read, and an error in one element leaves the others be.
type reader struct {
	*parser
	toks   []Token
	closes []int32 // of an opening bracket: the index of the closing one
	i, end int

	siblings  []*form  // the items that the list in hand may have
	outline   *outline // nil: nobody asks for it
	constants []Span   // see Decl.Constants
}

// brackets matches ( ) [ ] { }, and CASE WHEN … END, which clause words may stand in.
func (r *reader) brackets() bool {
	type opening struct {
		i         int
		word, run bool // CASE, and WHEN was seen
	}
	r.closes = make([]int32, len(r.toks))
	var open []opening
	for i, t := range r.toks {
		if t.Kind == Word && !(i > 0 && r.op(i-1, ".")) {
			last := len(open) - 1
			switch {
			case r.word(i, "CASE") && !r.op(i+1, "."):
				open = append(open, opening{i: i, word: true})
			case last < 0 || !open[last].word:
			case r.word(i, "WHEN"):
				open[last].run = true
			case r.word(i, "END"):
				if open[last].run {
					r.closes[open[last].i] = int32(i)
				}
				open = open[:last]
			}
		}
		if t.Kind != Op {
			continue
		}
		c := r.src.Text[t.Span.Start]
		if strings.IndexByte("([{", c) >= 0 {
			open = append(open, opening{i: i})
		}
		n := strings.IndexByte(")]}", c)
		if n < 0 {
			continue
		}
		for len(open) > 0 && open[len(open)-1].word { // a name, or DuckDB's to report
			open = open[:len(open)-1]
		}
		if len(open) == 0 {
			r.fail(t.Span, code.Unbalanced, "remove it, or open a bracket before it", "this %c closes nothing", c)
			return false
		}
		last := open[len(open)-1].i
		if !r.op(last, "([{"[n:n+1]) {
			r.fail(t.Span, code.Unbalanced, "close the one before it first", "this %c doesn't close the %s before it", c,
				r.text(r.toks[last])).WithNote(r.at(r.toks[last].Span), "still open")
			return false
		}
		r.closes[last] = int32(i)
		open = open[:len(open)-1]
	}
	for _, o := range slices.Backward(open) {
		if t := r.toks[o.i]; !o.word {
			r.fail(t.Span, code.Unbalanced, "close it", "this %s is never closed", r.text(t))
			return false
		}
	}
	return true
}

func (r *reader) more() bool { return r.i < r.end }

func (r *reader) op(i int, s string) bool {
	return i < len(r.toks) && r.toks[i].Kind == Op && r.text(r.toks[i]) == s
}

func (r *reader) word(i int, s string) bool {
	return i < len(r.toks) && r.toks[i].Kind == Word && same(r.text(r.toks[i]), s)
}

func (r *reader) kind(i int) Kind {
	if i >= r.end {
		return EOF
	}
	return r.toks[i].Kind
}

func (r *reader) isOp(s string) bool { return r.more() && r.op(r.i, s) }

func (r *reader) isName(i int) bool { return r.kind(i) == Word || r.kind(i) == Quoted }

// words reports that these words or operators stand at i, within what is being read.
func (r *reader) words(i int, words []string) bool {
	if i+len(words) > r.end {
		return false
	}
	for j, w := range words {
		if !r.word(i+j, w) && !r.op(i+j, w) {
			return false
		}
	}
	return true
}

// here is the place of what comes next; behind the last token at the end of the statement.
func (r *reader) here() Span {
	if r.i < len(r.toks) {
		return r.toks[r.i].Span
	}
	end := r.toks[len(r.toks)-1].Span.End
	return Span{end, end}
}

// found says what comes next, for "expected …, found …".
func (r *reader) found() string {
	if r.i >= len(r.toks) {
		return "the end of the statement"
	}
	text := tidy(keepStart(r.text(r.toks[r.i])))
	if r.toks[r.i].Kind == Op {
		text = `"` + text + `"`
	}
	return text
}

// expected reports that something else stands here. It always returns false.
func (r *reader) expected(c code.Code, what, hint string) bool {
	r.fail(r.here(), c, hint, "expected %s, found %s", what, r.found())
	return false
}

// since is the span from token i to what was read last.
func (r *reader) since(i int) Span {
	if i >= r.i {
		at := r.toks[max(0, min(i, len(r.toks))-1)].Span.End
		return Span{at, at}
	}
	return r.toks[i].Span.To(r.toks[r.i-1].Span)
}

// join is the next n tokens with a blank between, to be compared with a keyword.
func (r *reader) join(n int) string {
	if n == 1 && r.more() {
		return r.text(r.toks[r.i])
	}
	var s []string
	for i := r.i; i < min(r.i+n, r.end); i++ {
		text := r.text(r.toks[i])
		s = append(s, text[:min(len(text), maxWord)])
	}
	return strings.Join(s, " ")
}

// skip moves over one token, or a whole bracket.
func (r *reader) skip() {
	if c := int(r.closes[r.i]); c > 0 {
		r.i = c
	}
	r.i++
}

// within reads the tokens [from, to) and goes on behind them.
func (r *reader) within(from, to int, read func()) {
	end := r.end
	r.i, r.end = from, to
	read()
	r.i, r.end = to, end
}

// elements calls read for each element of the bracket that opens here, and goes on behind it. It reports errors of lists: an
// element without anything, and anything that an element doesn't need.
func (r *reader) elements(c code.Code, what string, read func() bool) {
	closing := int(r.closes[r.i])
	r.enter(Part{Kind: PartList}, r.i)
	for from := r.i + 1; from <= closing; {
		to := from
		for r.i = from; r.i < closing && !r.op(r.i, ","); to = r.i {
			r.skip()
		}
		if from == closing && r.op(from-1, "(") {
			break // ()
		}
		r.enter(Part{Kind: PartElement}, from)
		r.within(from, to, func() {
			switch {
			case from == to && r.op(from-1, ","):
				r.expected(c, what, "remove the comma before it")
			case from == to:
				r.expected(c, what, "remove the comma")
			case read() && r.more():
				r.expected(code.ExpectedComma, "a comma or )", "elements of a list are separated by commas")
			}
		})
		r.leave(to)
		from = to + 1
	}
	r.i = closing + 1
	r.leave(r.i)
}

func article(what string) string {
	if strings.Contains("aeioAEIO", what[:1]) {
		return "an " + what
	}
	return "a " + what
}

// clauseAt is the clause of a form that begins at token i.
func (r *reader) clauseAt(f *form, i int) *clause {
	if i >= r.end {
		return nil
	}
	for _, c := range f.clauses {
		if len(c.words) == 0 && r.op(i, "(") || len(c.words) > 0 && r.words(i, c.words) {
			return c
		}
	}
	return nil
}

// endsExpr reports that an expression ends before token i because a clause or head part begins there. FROM of IS DISTINCT FROM
// is none, nor is a column's name behind a dot.
func (r *reader) endsExpr(f *form, rest []*clause, i int) bool {
	if r.toks[i].Kind == Word {
		if r.op(i-1, ".") || r.word(i, "FROM") && r.word(i-1, "DISTINCT") {
			return false
		}
	}
	if slices.ContainsFunc(rest, func(c *clause) bool { return len(c.words) > 0 && r.words(i, c.words) }) {
		return true
	}
	c := r.clauseAt(f, i)
	return c != nil && len(c.words) > 0
}

// toClause skips what can't be read, up to the next clause of the form.
func (r *reader) toClause(f *form) {
	for r.more() {
		r.skip()
		if r.more() && r.endsExpr(f, nil, r.i) {
			return
		}
	}
	r.i = r.end
}
