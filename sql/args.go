package sql

import (
	"cmp"
	"strconv"
	"strings"

	"dsql/sql/code"
)

// value reads a clause's argument, the keyword of which has just been read. The value is returned even where it is wrong.
func (r *reader) value(f *form, c *clause, rest []*clause) (*Value, bool) {
	start := r.i
	v := &Value{}
	ok := c.ArgOpt && !r.begins(f, c, r.i) || r.arg(f, c, v, rest)
	if v.Span == (Span{}) {
		v.Span = r.since(start)
	}
	if v.Keyword = v.Span; len(c.words) > 0 {
		v.Keyword = r.toks[start-len(c.words)].Span.To(r.toks[start-1].Span)
	}
	return v, ok
}

// begins reports that an argument that may be left out stands at token i.
func (r *reader) begins(f *form, c *clause, i int) bool {
	if i >= r.end {
		return false
	}
	switch c.Arg {
	case ArgNames, ArgParen, ArgOptions, ArgColumnDefs, ArgItems:
		return r.op(i, "(")
	case ArgString:
		return r.kind(i) == String
	case ArgInt:
		return r.kind(i) == Number
	case ArgColumns:
		return r.op(i, "(") || r.op(i, "*")
	case ArgPercent:
		return r.op(i, "<")
	case ArgWord:
		return (r.kind(i) == Word || r.kind(i) == String) && !r.endsExpr(f, nil, i)
	case ArgName, ArgNameList, ArgTarget, ArgTypeName:
		return r.isName(i) && !r.endsExpr(f, nil, i)
	}
	return !r.endsExpr(f, nil, i)
}

// clauseValue is value, of a clause or positional part that began at token start.
func (r *reader) clauseValue(f *form, c *clause, rest []*clause, start int) (*Value, bool) {
	r.enter(Part{Kind: PartClause, Clause: c.Clause}, start)
	r.note(PartWords, start, r.i)
	v, ok := r.value(f, c, rest)
	r.leave(r.i)
	return v, ok
}

func (r *reader) arg(f *form, c *clause, v *Value, rest []*clause) bool {
	switch c.Arg {
	case ArgString, ArgWord, ArgInt:
		if r.constant(v) {
			return true
		}
	}
	switch c.Arg {
	case ArgNone:
		return true
	case ArgName:
		return r.addName(v, c.after("a name"))
	case ArgNames:
		return r.nameList(v, c.after("names in parentheses"), "write "+c.usage())
	case ArgNameList:
		return r.bareNames(c, v)
	case ArgString:
		if r.kind(r.i) != String {
			return r.expected(code.ExpectedString, c.after("a 'string'"), "write "+c.usage())
		}
		return r.string(v)
	case ArgWord:
		return r.wordOrString(f, c, v, rest)
	case ArgInt:
		return r.integer(c, v)
	case ArgPercent:
		return r.percent(c, v)
	case ArgChoice:
		return r.choice(f, c, v)
	case ArgExpr:
		return r.expr(f, c, v, rest)
	case ArgExprs:
		return r.exprs(f, c, v, rest)
	case ArgParen:
		return r.paren(c, v)
	case ArgColumns:
		return r.columns(c, v)
	case ArgTarget:
		return r.target(c, v)
	case ArgValue:
		if r.word(r.i, "EXPR") && r.kind(r.i+1) == String {
			r.note(PartWords, r.i, r.i+1)
			r.i++
			v.Expr = true
			v.Span = r.toks[r.i].Span
			return r.string(v)
		}
		return r.expr(f, c, v, rest)
	case ArgOptions:
		return r.options(c, v)
	case ArgColumnDefs:
		return r.columnDefs(c, v)
	case ArgItems:
		return r.items(c, v)
	case ArgItem:
		end := r.exprEnd(f, rest)
		if end == r.i {
			return r.expected(code.ExpectedItem, c.after(orList(itemNames(c))), "write "+c.usage())
		}
		r.within(r.i, end, func() { r.item(c, v) })
		return true
	case ArgQuery:
		return r.query(c, v)
	case ArgTypeName:
		return r.typeName(f, c.after("a type"), v)
	}
	panic("sql: clause " + c.Keyword + " has an unknown kind of argument")
}

// bareNames are names without parentheses around.
func (r *reader) bareNames(c *clause, v *Value) bool {
	for {
		if !r.addName(v, c.after("a name")) {
			return false
		}
		if !r.isOp(",") {
			return true
		}
		r.i++
	}
}

// wordOrString is a word, with a number behind it in parentheses or without, or a text.
func (r *reader) wordOrString(f *form, c *clause, v *Value, rest []*clause) bool {
	if r.kind(r.i) == String {
		return r.string(v)
	}
	if r.kind(r.i) != Word || r.endsExpr(f, rest, r.i) {
		return r.expected(code.ExpectedString, c.after("a word or a 'string'"), "write "+c.usage())
	}
	v.Text = lower(r.text(r.toks[r.i]))
	r.i++
	if r.isOp("(") && r.kind(r.i+1) == Number && r.op(r.i+2, ")") { // base64_decimal(2)
		v.Text += "(" + r.text(r.toks[r.i+1]) + ")"
		r.i += 3
	}
	return true
}

// paren is an expression in parentheses.
func (r *reader) paren(c *clause, v *Value) bool {
	const what = "an expression in parentheses"
	if !r.isOp("(") {
		return r.expected(code.ExpectedExpression, c.after(what), "write "+c.usage())
	}
	open := r.i
	r.skip()
	r.note(PartSQL, open, r.i)
	if r.i == open+2 {
		r.i--
		r.expected(code.ExpectedExpression, c.after(what), "")
		r.i++
		return false
	}
	v.Span = r.toks[open+1].Span.To(r.toks[r.i-2].Span)
	v.Exprs = []Span{v.Span}
	return true
}

// after is "what after KEYWORD".
func (c *clause) after(what string) string {
	if c.Keyword == "" {
		return what
	}
	return what + " after " + c.Keyword
}

// addName reads one name into v.
func (r *reader) addName(v *Value, what string) bool {
	if !r.isName(r.i) {
		hint := ""
		if r.kind(r.i) == String {
			hint = "names are written without quotes, or in double quotes"
		}
		return r.expected(code.ExpectedName, what, hint)
	}
	n, ok := r.name()
	if ok {
		v.Names = append(v.Names, n)
	}
	return ok
}

// name reads an identifier that may be qualified; its parts are joined by dots.
func (r *reader) name() (Name, bool) {
	start := r.i
	var parts []string
	for {
		if !r.isName(r.i) {
			return Name{}, r.expected(code.ExpectedName, "a name after the dot", "")
		}
		text := r.text(r.toks[r.i])
		if r.toks[r.i].Kind == Quoted {
			text, _ = Unquote(text)
		}
		if text == "" {
			return Name{}, r.expected(code.ExpectedName, "a name", "a quoted name can't be empty")
		}
		parts = append(parts, text)
		r.i++
		if !r.isOp(".") {
			return Name{Text: strings.Join(parts, "."), Span: r.since(start)}, true
		}
		r.i++
	}
}

func (r *reader) string(v *Value) bool {
	text, err := Unquote(r.text(r.toks[r.i]))
	if err != nil {
		r.fail(r.toks[r.i].Span, code.BadEscape, "write the character itself; where backslashes are meant, leave out the E before the string",
			"%s",
			err)
		r.i++
		return false
	}
	v.Text = text
	r.i++
	return true
}

func (r *reader) integer(c *clause, v *Value) bool {
	if r.kind(r.i) == Number {
		n, err := strconv.ParseInt(strings.ReplaceAll(r.text(r.toks[r.i]), "_", ""), 10, 64)
		if err == nil {
			v.Int = n
			r.i++
			return true
		}
	}
	return r.expected(code.ExpectedNumber, c.after("a whole number"), "write "+c.usage())
}

func (r *reader) percent(c *clause, v *Value) bool {
	if start := r.i; r.isOp("<") {
		r.i++
		if r.constant(v) && r.more() && r.word(r.i, "PERCENT") {
			r.note(PartWords, r.i, r.i+1)
			r.i++
			return true
		}
		r.i = start
	}
	if r.isOp("<") && r.kind(r.i+1) == Number && r.word(r.i+2, "PERCENT") && r.i+2 < r.end {
		n, err := strconv.ParseFloat(strings.ReplaceAll(r.text(r.toks[r.i+1]), "_", ""), 64)
		if err == nil {
			v.Number = n
			r.note(PartWords, r.i+2, r.i+3)
			r.i += 3
			return true
		}
	}
	return r.expected(code.ExpectedNumber, c.after("< n PERCENT"), "write "+c.usage())
}

func (r *reader) choice(f *form, c *clause, v *Value) bool {
	for _, words := range c.choices {
		if r.words(r.i, words) {
			v.Text = strings.ToUpper(strings.Join(words, " "))
			r.note(PartWords, r.i, r.i+len(words))
			r.i += len(words)
			return true
		}
	}
	hint := ""
	if r.more() {
		word := r.text(r.toks[r.i])
		hint = cmp.Or(foreignChoices[strings.ToUpper(word)], DidYouMean(word, c.Words, ""))
	}
	r.expected(code.BadChoice, c.after(orList(c.Words)), hint)
	if r.more() && !r.endsExpr(f, nil, r.i) {
		r.skip()
	}
	return false
}

// exprEnd is the index behind an expression that begins here.
func (r *reader) exprEnd(f *form, rest []*clause) int {
	start, end := r.i, 0
	for r.more() && !r.endsExpr(f, rest, r.i) {
		r.skip()
	}
	end, r.i = min(r.i, r.end), start
	return end
}

func (r *reader) expr(f *form, c *clause, v *Value, rest []*clause) bool {
	end := r.exprEnd(f, rest)
	if end == r.i {
		hint := "write " + c.usage()
		if next := r.clauseAt(f, r.i); next != nil && r.kind(r.i) == Word && !r.begins(f, next, r.i+len(next.words)) {
			hint = "put the expression in parentheses if " + strings.ToUpper(r.text(r.toks[r.i])) + " is a part of it"
		}
		return r.expected(code.ExpectedExpression, c.after("an expression"), hint)
	}
	start := r.i
	r.i = end
	r.note(PartSQL, start, end)
	v.Span = r.since(start)
	v.Exprs = []Span{v.Span}
	return true
}

// exprs reads ( e, e ), or one expression, which may begin with a parenthesis too.
func (r *reader) exprs(f *form, c *clause, v *Value, rest []*clause) bool {
	end := r.exprEnd(f, rest)
	if !r.isOp("(") || int(r.closes[r.i]) != end-1 {
		return r.expr(f, c, v, rest)
	}
	if end == r.i+2 {
		r.i++
		return r.expected(code.ExpectedExpression, c.after("an expression"), "")
	}
	start := r.i
	r.elements(code.ExpectedExpression, "an expression", func() bool {
		r.note(PartSQL, r.i, r.end)
		v.Exprs = append(v.Exprs, r.toks[r.i].Span.To(r.toks[r.end-1].Span))
		r.i = r.end
		return true
	})
	v.Span = r.since(start)
	return true
}

func (r *reader) query(c *clause, v *Value) bool {
	if !r.more() {
		return r.expected(code.ExpectedExpression, c.after("a query"), "write "+c.usage())
	}
	start := r.i
	for r.more() {
		if r.word(r.i, "CREATE") && r.i > start && r.startsStatement() {
			v.Span = r.since(start)
			r.fail(r.toks[r.i].Span, code.MissingSemicolon, "put a ; before CREATE", "the statement before CREATE doesn't end")
			r.i = r.end
			return false
		}
		r.skip()
	}
	r.note(PartSQL, start, r.i)
	v.Span = r.since(start)
	v.Exprs = []Span{v.Span}
	return true
}
