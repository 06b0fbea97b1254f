package rules

import (
	"fmt"
	"slices"
	"strings"

	"dsql/sql"
	"dsql/sql/code"
)

// Item is an item of RULES or CHECKS, taken out of the named lists that it may stand in.
type Item struct {
	Decl *sql.Decl
	Note []sql.Note // the APPLYs that brought it here, the outermost first
}

// Lists finds a declared list by name. When there is none it may give the one with the nearest name.
type Lists func(name string) (*sql.Decl, bool)

// Expand replaces each APPLY by the items of the list that it names: CREATE RULES for kind "rules", CREATE CHECKS for "checks".
// Items with a name must differ in it.
func Expand(kind string, items []*sql.Decl, lists Lists) ([]Item, sql.List) {
	e := &expander{kind: kind, lists: lists, named: map[string]*sql.Decl{}}
	e.items(items)
	return e.out, e.errs
}

type expander struct {
	kind  string
	lists Lists
	out   []Item
	errs  sql.List
	named map[string]*sql.Decl // by name in lower case

	path  []*sql.Decl // lists being read
	notes []sql.Note
}

func (e *expander) fail(err *sql.Error) { e.errs = append(e.errs, err.WithNotes(e.notes)) }

func (e *expander) items(items []*sql.Decl) {
	for _, d := range items {
		if d.Syntax.Keyword == "APPLY" {
			e.apply(d)
			continue
		}
		if d.Name != "" {
			key := strings.ToLower(d.Name)
			if first, ok := e.named[key]; ok {
				word := strings.ToLower(d.Syntax.Keyword)
				e.fail(d.Errorf(code.DuplicateName, "the %s %s stands twice in this chain", word, d.Name).
					WithHint("give each a name of its own: what it finds is kept by that").WithNote(first.Place(), "the first one"))
				continue
			}
			e.named[key] = d
		}
		e.out = append(e.out, Item{d, slices.Clone(e.notes)})
	}
}

func (e *expander) apply(d *sql.Decl) {
	list, ok := e.lists(d.Name)
	if !ok {
		hint := fmt.Sprintf("declare it: CREATE %s %s (…)", strings.ToUpper(e.kind), d.Name)
		if list != nil {
			hint = "did you mean " + list.Name + "?"
		}
		e.fail(d.Errorf(code.UnknownList, "there is no list of %s named %s", e.kind, d.Name).WithHint(hint))
		return
	}
	if i := slices.Index(e.path, list); i >= 0 {
		var names []string
		for _, l := range append(e.path[i:len(e.path):len(e.path)], list) {
			names = append(names, l.Name)
		}
		e.fail(d.Errorf(code.ListCycle, "these lists of %s apply each other in a ring: %s", e.kind, strings.Join(names, " → ")).
			WithHint("take one of the APPLYs out"))
		return
	}
	depth := len(e.notes)
	e.path = append(e.path, list)
	e.notes = append(e.notes, sql.Note{Src: d.Src, Span: d.NameAt, Msg: "applied here"})
	e.items(list.Arg("#0").Items)
	e.path, e.notes = e.path[:len(e.path)-1], e.notes[:depth]
}
