// Package tree is a user's query as DuckDB's own parser reads it (json_serialize_sql): dsql has no parser of queries, and takes from this
// one which tables, columns and calls stand where. It owns the shapes of that tree, not what they mean to anybody. Of a shape that isn't
// known here the parts are still gone through.
package tree

import (
	"context"
	"slices"

	"dsql/engine/duck"
	"dsql/sql"
)

// Tree is what a text is made of.
type Tree struct {
	Queries []Node
	Refused string // why there are none: "parser" for a syntax error; Unwritable
	ctes    map[sql.Key]*CTE
}

// Unwritable is DuckDB's word for a text that is right and of which it can't make a tree: PIVOT, statements that are no query.
const Unwritable = "not implemented"

// Node is a part of a tree: *Select, *SetOperation; in a FROM *Table, *Join, *Subquery, *TableFunction; of expressions *Call, *ColumnRef,
// *Star, *Constant, *Parameter, *Lambda, *Window, *Subquery; and *Other. A part that a node doesn't have is nil. At is where one stands in the text, in
// bytes; -1 where DuckDB doesn't say.
type Node interface {
	// Parts are the nodes right below, whatever they are to it.
	Parts() []Node
	// As is the alias that the user gave it, "" for none.
	As() string
}

// inner is what all nodes have.
type inner struct {
	At    int
	Alias string
	parts []Node
}

func (n *inner) Parts() []Node { return n.parts }
func (n *inner) As() string    { return n.Alias }

// Select is one SELECT.
type Select struct {
	inner
	CTEs                   []*CTE
	List                   []Node
	From                   Node
	Where, Having, Qualify Node
	Groups                 []Node
	ByAll                  bool // GROUP BY ALL: all items of the list but aggregates are groups
	Modifiers              []string
}

// SetOperation is UNION, INTERSECT or EXCEPT, or what a recursive common table expression is made of.
type SetOperation struct {
	inner
	Left, Right Node
	ByName      bool
	Recursive   bool
	Modifiers   []string
}

// What the Modifiers of a query are called.
const (
	Distinct     = "DISTINCT_MODIFIER"
	Limit        = "LIMIT_MODIFIER"
	LimitPercent = "LIMIT_PERCENT_MODIFIER"
)

// CTE is a common table expression.
type CTE struct {
	Name    string
	Columns []string // d(a, b)
	Query   Node
}

// Table is a table or view in a FROM, or one that is described.
type Table struct {
	inner
	Schema, Name string
	Columns      []string // d AS t(a, b)
	Shown        bool     // DESCRIBE, SUMMARIZE, SHOW
}

// Join of two relations. At is where its first word stands.
type Join struct {
	inner
	Left, Right Node
	Type        string // INNER, LEFT, RIGHT, OUTER, SEMI, ANTI
	Ref         string // REGULAR, CROSS (a comma, too), NATURAL, ASOF, POSITIONAL
	Condition   Node   // of ON
}

// Pivot of a relation.
type Pivot struct {
	inner
	Source Node
}

// Subquery is a query in a FROM, or in an expression.
type Subquery struct {
	inner
	Columns []string // AS t(a, b)
	Query   Node
	Child   Node // what is compared with it: of x IN (…) it is x
	InFrom  bool
}

// TableFunction is a call in a FROM; the Call is its part.
type TableFunction struct {
	inner
	Columns []string // AS t(a, b)
}

// Call of a function or operator. One that the parser made has no place: list(x ORDER BY y) is list_sort(list(x)).
type Call struct {
	inner
	Name     string
	Operator bool
	Args     []Node
}

// ColumnRef is a column, or anything else that a name may stand for.
type ColumnRef struct {
	inner
	Path []string // never empty
}

// Name is the last part.
func (c *ColumnRef) Name() string { return c.Path[len(c.Path)-1] }

// Star is *, t.* or COLUMNS(…), which may have an alias of many.
type Star struct {
	inner
	Relation string
	Columns  bool // COLUMNS
	Exclude  []string
	Replaced []string
	Replace  []Node            // the expressions for Replaced
	Rename   map[string]string // as written
}

// Constant is a literal.
type Constant struct {
	inner
	Text   string
	IsText bool
}

// Parameter is $name, or $1.
type Parameter struct {
	inner
	Name string
}

// Lambda is lambda x: f(x).
type Lambda struct {
	inner
	Params []string
	Body   Node
}

// Window is the call of a function OVER (…), which may be one that has a name.
type Window struct {
	inner
	Name       string
	Partitions []Node
	Orders     []Node // what it is ordered by
	Ahead      bool   // it may see rows behind the current one, or comes from the end of the order
}

// Other is all else: an operator, a CASE, a cast; Class and Type are DuckDB's words.
type Other struct {
	inner
	Class, Type string
}

// Read reads a text. What DuckDB refuses is no error here: see Refused.
func Read(ctx context.Context, c *duck.Conn, text string) (*Tree, error) {
	out, err := c.Serialized(ctx, text)
	if err != nil {
		return nil, err
	}
	return Parse(out, len(text))
}

// CTE is the common table expression that a table is, nil where it is none. Names are told apart in all of the text, not by their scope.
func (t *Tree) CTE(of *Table) *CTE {
	if of.Schema != "" {
		return nil
	}
	return t.ctes[sql.KeyOf(of.Name)]
}

// Walk gives a node and all in it to f, each before those in it, but what is in one for which f says false.
func Walk(n Node, f func(Node) bool) {
	if n == nil || !f(n) {
		return
	}
	for _, p := range n.Parts() {
		Walk(p, f)
	}
}

// Walk is Walk over all of the text.
func (t *Tree) Walk(f func(Node) bool) {
	for _, q := range t.Queries {
		Walk(q, f)
	}
}

// Contains says whether f says so of n or of any node in it.
func Contains(n Node, f func(Node) bool) bool {
	return n != nil && (f(n) || slices.ContainsFunc(n.Parts(), func(p Node) bool { return Contains(p, f) }))
}

// Place is where a node stands in the text, as far as DuckDB says it.
func Place(n Node) (at int, ok bool) {
	if p, is := n.(interface{ place() int }); is {
		at = p.place()
	}
	return at, at > 0
}

func (n *inner) place() int { return n.At }
