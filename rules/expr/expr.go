// Package expr compiles expressions of expr-lang to SQL. It owns their types, operators and functions; where an expression stands in a
// rule or a function, and what becomes of its value, rules says.
//
// An expression in expr-lang becomes one SQL expression with the meaning that expr's VM gives it. The VM is the reference, and
// docs/expr.md says what the differences are: where the VM stops with an error the SQL is NULL, and what SQL can't say the same
// way is refused here, with its place and the reason.
package expr

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"

	"dsql/engine/duck"
	"dsql/sql"
	"dsql/sql/code"
)

// exprCompiler compiles one expression.
type compiler struct {
	cols   []duck.Column
	column func(duck.Column) *duck.Query // how a column is named in SQL
	prefix string                        // of lambda parameters
	params int
	vars   []variable // let, the innermost last
	scopes []scope    // predicates, the innermost last
	uses   map[string]int
	loops  []*carried // bodies of reduce, the innermost last
}

type variable struct {
	name string
	v    Value
	loop int // how many bodies of reduce it was declared in
}

// carried is what the body of a reduce uses of outside. In DuckDB a lambda of list_reduce that names a column may see another
// row's (1.5.6, where lists of some rows are empty or NULL), so each element carries the values with it.
type carried struct {
	elem   *duck.Query // the element and what it carries: a STRUCT
	values []Value
}

// inside is a value from outside of the bodies of reduce from the loop-th on, as the innermost sees it.
func (c *compiler) inside(v Value, loop int) Value {
	for _, l := range c.loops[loop:] {
		v = l.carry(v)
	}
	return v
}

func (l *carried) carry(v Value) Value {
	if v.literal != nil || v.Type.Kind == Nil || v.Type.Kind == Zone {
		return v
	}
	in := v
	in.SQL, in.simple = l.field(v.SQL, v.Type), true
	if v.ok != nil {
		in.ok = l.field(v.ok, &Type{Kind: Bool})
	}
	return in
}

func (l *carried) field(value *duck.Query, t *Type) *duck.Query {
	n := slices.IndexFunc(l.values, func(v Value) bool { return v.SQL.String() == value.String() })
	if n < 0 {
		n = len(l.values)
		l.values = append(l.values, Value{SQL: value, Type: t})
	}
	return q("struct_extract({e}, {n})", duck.Args{"e": l.elem, "n": "c" + itoa(n)})
}

// scope is what # stands for.
type scope struct {
	item Value
	// of reduce only
	acc   *Value
	index *duck.Query // from 1
	used  *bool       // #index is
}

// refusal is why an expression can't be compiled: expr can't read it, or SQL can't say it.
type refusal struct {
	at        file.Location // in runes
	msg, hint string
}

func (r *refusal) Error() string { return r.msg }

func itoa(n int) string { return strconv.Itoa(n) }

func refuse(n ast.Node, hint, format string, args ...any) {
	panic(&refusal{n.Location(), fmt.Sprintf(format, args...), hint})
}

// compileExpr compiles the text of an expression over columns.
func compileExpr(text string, cols []duck.Column, column func(duck.Column) *duck.Query) (v Value, err error) {
	defer func() {
		if r := recover(); r != nil {
			re, ok := r.(*refusal)
			if !ok {
				panic(r)
			}
			err = re
		}
	}()
	tree, err := parser.Parse(text)
	if err != nil {
		r := &refusal{msg: err.Error()}
		var fe *file.Error
		if errors.As(err, &fe) {
			r.at, r.msg = fe.Location, fe.Message
		}
		return Value{}, r
	}
	c := &compiler{cols: cols, column: column, prefix: "_e", uses: map[string]int{}}
	for i := 0; i < len(cols); i++ {
		if strings.HasPrefix(strings.ToLower(cols[i].Name), c.prefix) {
			c.prefix, i = c.prefix+"_", -1
		}
	}
	countUses(tree.Node, c.uses)
	v = c.node(tree.Node)
	switch v.Type.Kind {
	case Duration, Month, Weekday, Zone:
		refuse(tree.Node, "make a number or text of it: .Seconds(), int(…), string(…)", "the result is a %s, which no column holds", v.Type)
	}
	return v, nil
}

// countUses counts the names in a tree.
func countUses(n ast.Node, uses map[string]int) {
	ast.Find(n, func(n ast.Node) bool {
		if id, ok := n.(*ast.IdentifierNode); ok {
			uses[id.Value]++
		}
		return false
	})
}

// Compile compiles the string at sp of a script. Errors point inside it.
func Compile(src *sql.Source, sp sql.Span, cols []duck.Column, column func(duck.Column) *duck.Query) (Value, *sql.Error) {
	text, err := sql.Unquote(sp.Of(src))
	if err != nil {
		return Value{}, sql.Place{Src: src, Span: sp}.Errorf(code.BadString, "%s", err)
	}
	v, err := compileExpr(text, cols, column)
	if err == nil {
		return v, nil
	}
	e := sql.Place{Src: src, Span: sp}.Errorf(code.Expr, "%s", err)
	var r *refusal
	if errors.As(err, &r) {
		e.Span, e.Hint = insideString(src, sp, text, r.at), r.hint
	}
	return Value{}, e
}

// insideString is the place in the script of a part of a string's value, given in runes.
func insideString(src *sql.Source, sp sql.Span, text string, at file.Location) sql.Span {
	raw := sp.Of(src)
	from, to := runeOffset(text, at.From), runeOffset(text, max(at.To, at.From+1))
	var shift int
	switch i := strings.IndexByte(raw, '\''); {
	case raw[0] == '$':
		shift = strings.IndexByte(raw[1:], '$') + 2
	case i != 0 && strings.Contains(raw, `\`): // E'…' with escapes
		return sp
	default:
		shift = i + 1
		to += strings.Count(text[:to], "'") // written twice
		from += strings.Count(text[:from], "'")
	}
	return sql.Span{Start: min(sp.Start+shift+from, sp.End-1), End: min(max(sp.Start+shift+to, sp.Start+shift+from+1), sp.End)}
}

func runeOffset(s string, n int) int {
	at := 0
	for ; n > 0 && at < len(s); n-- {
		_, size := utf8.DecodeRuneInString(s[at:])
		at += size
	}
	return at
}

func (c *compiler) node(n ast.Node) Value {
	switch n := n.(type) {
	case *ast.NilNode:
		return Value{SQL: q("NULL"), Type: &Type{Kind: Nil}, mayNil: true, simple: true}
	case *ast.BoolNode:
		return Value{SQL: duck.Lit(n.Value), Type: &Type{Kind: Bool}, simple: true, literal: n.Value}
	case *ast.IntegerNode:
		return intLiteral(int64(n.Value))
	case *ast.FloatNode:
		return Value{SQL: duck.Lit(n.Value), Type: &Type{Kind: Float}, simple: true, literal: n.Value}
	case *ast.StringNode:
		return Value{SQL: duck.Lit(n.Value), Type: &Type{Kind: String}, simple: true, literal: n.Value}
	case *ast.BytesNode:
		refuse(n, "write a string", "bytes have no SQL type that expr's functions work on")
	case *ast.IdentifierNode:
		return c.identifier(n)
	case *ast.UnaryNode:
		return c.unary(n)
	case *ast.BinaryNode:
		return c.binary(n)
	case *ast.ConditionalNode:
		return c.conditional(n)
	case *ast.ChainNode:
		return c.chain(n)
	case *ast.MemberNode:
		return c.member(n)
	case *ast.SliceNode:
		return c.slice(n)
	case *ast.CallNode:
		return c.call(n)
	case *ast.BuiltinNode:
		return c.builtin(n)
	case *ast.PointerNode:
		return c.pointer(n)
	case *ast.VariableDeclaratorNode:
		return c.let(n)
	case *ast.SequenceNode:
		return c.sequence(n)
	case *ast.ArrayNode:
		return c.array(n)
	case *ast.MapNode:
		return c.mapLiteral(n)
	}
	refuse(n, "", "%s can't be compiled to SQL", n)
	return Value{}
}

func intLiteral(n int64) Value {
	return Value{SQL: q("{n}::BIGINT", duck.Args{"n": n}), Type: &Type{Kind: Int}, simple: true, literal: int(n), bounded: true, lo: n, hi: n}
}

// identifier is a let variable or a column.
func (c *compiler) identifier(n *ast.IdentifierNode) Value {
	for i := len(c.vars) - 1; i >= 0; i-- {
		if c.vars[i].name == n.Value {
			return c.inside(c.vars[i].v, c.vars[i].loop)
		}
	}
	if n.Value == "$env" {
		refuse(n, `write the column's name, or $env["a name with blanks"]`, "$env as a whole is all columns, which no SQL value is")
	}
	return c.columnNamed(n, n.Value)
}

func (c *compiler) columnNamed(n ast.Node, name string) Value {
	for _, col := range c.cols {
		if col.Name != name {
			continue
		}
		t, err := typeOf(col.Type)
		if err != nil {
			refuse(n, "", "the column %s: %s", name, err)
		}
		v := Value{SQL: c.column(col), Type: t, mayNil: true, simple: true}
		if col.Type != t.SQL() {
			v.SQL = q("CAST({c} AS {t})", duck.Args{"c": v.SQL, "t": t.SQL()})
		}
		v.lo, v.hi, v.bounded = col.Type.ID().Bounds()
		return c.inside(v, 0)
	}
	hint := ""
	if i := indexFold(c.cols, name); i >= 0 {
		hint = "expr tells case apart: write " + c.cols[i].Name
	}
	hint = sql.DidYouMean(name, duck.ColumnNames(c.cols), hint)
	refuse(n, hint, "unknown name %s", name)
	return Value{}
}

func indexFold(cols []duck.Column, name string) int {
	for i, c := range cols {
		if strings.EqualFold(c.Name, name) {
			return i
		}
	}
	return -1
}

// pointer is # (or nothing before a dot), #index or #acc.
func (c *compiler) pointer(n *ast.PointerNode) Value {
	if len(c.scopes) == 0 {
		refuse(n, "", "# stands in predicates only")
	}
	s := &c.scopes[len(c.scopes)-1]
	switch {
	case n.Name == "":
		return s.item
	case n.Name == "index" && s.acc != nil:
		*s.used = true
		return Value{SQL: q("({i} - 1)", duck.Args{"i": s.index}), Type: &Type{Kind: Int}, simple: true, bounded: true, hi: 1 << 40}
	case n.Name == "acc" && s.acc != nil:
		return *s.acc
	}
	refuse(n, "# is the element; in reduce #acc is the accumulator and #index the element's place", "#%s stands for nothing here", n.Name)
	return Value{}
}

// let computes the value once, whether or not it is used: an error of it is one of the whole.
func (c *compiler) let(n *ast.VariableDeclaratorNode) Value {
	v := c.node(n.Value)
	body := func(v Value) Value {
		guard := v.okay()
		v.mayErr, v.ok = false, nil
		c.vars = append(c.vars, variable{n.Name, v, len(c.loops)})
		r := c.node(n.Expr)
		c.vars = c.vars[:len(c.vars)-1]
		return when(guard, r)
	}
	if v.Type.Kind == Nil || v.Type.Kind == Zone || c.uses[n.Name] <= 1 && !v.mayErr {
		return body(v)
	}
	return c.hold(v, body)
}

// sequence gives its last; an error of the others is one of the whole.
func (c *compiler) sequence(n *ast.SequenceNode) Value {
	var oks []*duck.Query
	var last Value
	for i, x := range n.Nodes {
		last = c.node(x)
		if i < len(n.Nodes)-1 {
			oks = append(oks, last.okay())
		}
	}
	return when(all(oks...), last)
}
