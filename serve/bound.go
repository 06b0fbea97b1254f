package serve

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"dsql/engine/duck"
	"dsql/ingest/objects"
	"dsql/sql"
	"dsql/sql/code"
)

// bound is an endpoint as it is bound on one connection. A parameter of a simple type is one of a prepared statement, so that DuckDB plans
// with it; one of another type is read from a relation of the rows that a request gives.
type bound struct {
	at      *served
	conn    *duck.Conn
	objects *objects.Objects
	rows    *duck.Relation
	single  map[string]*duck.Statement // by form and which parameters are given
	many    map[duck.Form]*duck.Statement
	alone   bool // a row of parameters at a time
	wide    bool // look-ups go through the table: the query doesn't bind otherwise
	keys    []*duck.Keys
	row     *int64 // the number of the row of parameters, which is to be the first column; nil: it isn't
}

// bind gives the endpoint as it is bound on the connection.
func (r *reader) bind(at *served) (*bound, error) {
	if b := r.bound[at.name]; b != nil {
		if b.at.version == at.version {
			return b, nil
		}
		b.close()
		delete(r.bound, at.name)
	}
	if at.err != nil {
		return nil, at.err
	}
	o, err := objects.New(r.conn, at.params)
	if err != nil {
		return nil, err
	}
	b := &bound{at: at, conn: r.conn, objects: o, rows: o.Relation(), single: map[string]*duck.Statement{},
		many: map[duck.Form]*duck.Statement{}, alone: ordered(at)}
	for _, l := range at.lookups {
		b.keys = append(b.keys, l.index.keys.Copy())
	}
	r.bound[at.name] = b
	return b, nil
}

func (b *bound) close() {
	for _, st := range b.single {
		st.Close()
	}
	for _, st := range b.many {
		st.Close()
	}
	b.rows.Close()
	_ = b.objects.Close() // memory that can't be given back harms nobody
}

// ordered says that the query orders or bounds its rows, which one statement for several rows of parameters would do for all of them.
func ordered(at *served) bool {
	d := at.Decl()
	depth := 0
	for _, t := range sql.Tokens(d.Src, d.Arg("AS").Exprs[0]) {
		switch word := t.Span.Of(d.Src); word {
		case "(", "[", "{":
			depth++
		case ")", "]", "}":
			depth--
		default:
			if t.Kind == sql.Word && depth == 0 && strings.Contains(" ORDER LIMIT OFFSET SAMPLE RECURSIVE ", " "+strings.ToUpper(word)+" ") {
				return true
			}
		}
	}
	return false
}

// column is a name of the relation of rows: see objects.Objects.Relation.
func column(i int) *duck.Query { return duck.Ident(fmt.Sprint("c", i)) }

// one is the statement for the row of parameters that was decoded last, with its values; f are the rows that it is to read.
func (b *bound) one(form duck.Form, f *found) (*duck.Statement, error) {
	st, err := b.prepared(form, f)
	if err == nil {
		err = b.give(st, 0)
	}
	if err == nil && f != nil {
		err = b.giveRows(st, f)
	}
	if err == nil && b.row != nil {
		err = st.Bind(b.place(len(b.at.params)-1)+1, *b.row)
	}
	return st, err
}

func (b *bound) prepared(form duck.Form, f *found) (*duck.Statement, error) {
	relation, counts := b.rowids(f)
	key := make([]byte, 0, len(b.at.params)+1)
	key = append(key, byte('0'+form))
	for i := range b.at.params {
		key = append(key, map[bool]byte{false: '-', true: '+'}[b.objects.Given(i)])
	}
	key = append(key, counts...)
	if b.row != nil {
		key = append(key, '#')
	}
	if st := b.single[string(key)]; st != nil {
		return st, nil
	}
	q := b.at.QueryOf(func(i int) *duck.Query {
		switch {
		case !b.objects.Given(i):
			return b.at.Given(i)
		case !b.objects.Binds(i):
			return duck.SQL("(SELECT {c} FROM {rows})", duck.Args{"c": column(i), "rows": b.rows.Query()})
		}
		return b.at.Typed(i, duck.Text(fmt.Sprint("$", b.place(i))))
	}, b.asked(), relation)
	q = duck.Texts(q, b.at.columns, form)
	if b.row != nil {
		row := duck.Text(fmt.Sprint("$", b.place(len(b.at.params)-1)+1))
		q = duck.SQL("SELECT CAST({row} AS BIGINT) AS row, _one.* FROM ({q}) AS _one", duck.Args{"row": row, "q": q})
	}
	st, err := b.conn.Prepare(q, b.at.Decl().Place())
	if err != nil {
		return nil, err
	}
	if len(b.single) == mostVariants {
		for k, old := range b.single {
			old.Close()
			delete(b.single, k)
			break
		}
	}
	b.single[string(key)] = st
	return st, nil
}

// mostVariants is how many statements of an endpoint a connection keeps.
const mostVariants = 64

// place is the number of parameter i in a statement: of those that are used and bound. A statement may have no others.
func (b *bound) place(i int) int {
	n := 0
	for j := range i + 1 {
		if b.at.Uses(j) && b.objects.Given(j) && b.objects.Binds(j) {
			n++
		}
	}
	return n
}

// give binds the values of a row to a statement of one.
func (b *bound) give(st *duck.Statement, row int) error {
	n := 0
	for i := range b.at.params {
		if !b.at.Uses(i) || !b.objects.Given(i) || !b.objects.Binds(i) {
			continue
		}
		n++
		if err := b.objects.Bind(st, n, i, row); err != nil {
			return err
		}
	}
	return nil
}

// several is one statement for all rows of parameters; its first column is the row's number. nil: they must go one by one.
func (b *bound) several(form duck.Form) *duck.Statement {
	if st := b.many[form]; st != nil || b.alone {
		return st
	}
	k := len(b.at.params)
	values := []*duck.Query{duck.SQL("{c} AS _row", duck.Args{"c": column(k)})}
	for i, p := range b.at.Params {
		v := column(i)
		if p.Default != nil {
			v = duck.SQL("CASE WHEN {given} THEN {v} ELSE {d} END", duck.Args{"given": column(k + 1 + i), "v": v, "d": b.at.Given(i)})
		}
		values = append(values, duck.SQL("{v} AS {n}", duck.Args{"v": v, "n": duck.Ident(fmt.Sprint("p", i))}))
	}
	body := b.at.Query(func(i int) *duck.Query { return duck.Ident("_given", fmt.Sprint("p", i)) })
	names := duck.Each(", ", b.at.columns, func(c duck.Column) *duck.Query { return duck.SQL("_one.{n}", duck.Args{"n": duck.Ident(c.Name)}) })
	q := duck.SQL("SELECT _given._row, {names} FROM (SELECT {values} FROM {rows}) AS _given, LATERAL ({body}) AS _one ORDER BY 1",
		duck.Args{"names": names, "values": values, "rows": b.rows.Query(), "body": body})
	st, err := b.conn.Prepare(duck.Texts(q, append([]duck.Column{{Name: "row", Type: "BIGINT"}}, b.at.columns...), form), b.at.Decl().Place())
	if err != nil { // DuckDB can't take every query for all rows at once
		b.alone = true
		return nil
	}
	b.many[form] = st
	return st
}

// decode takes a request's rows of parameters.
func (b *bound) decode(objects [][]byte, array bool) error {
	b.objects.Reset()
	for i, text := range objects {
		if err := b.decodeOne(text); err != nil {
			if array {
				err.err.Msg = fmt.Sprintf("row %d: %s", i, err.err.Msg)
			}
			return err
		}
	}
	b.objects.Show(b.rows)
	return nil
}

func (b *bound) decodeOne(text []byte) *refusal {
	if err := b.objects.Decode(text); err != nil {
		return b.wrong(err)
	}
	for i, p := range b.at.Params {
		if !b.objects.Given(i) && p.Default == nil {
			return refuse(400, code.MissingParameter, fmt.Sprintf("add it: %s, a %s", p.Name, b.at.params[i].Type), "the parameter %s is missing",
				p.Name)
		}
	}
	return nil
}

// only decodes one row of several: those of the rows before are gone.
func (b *bound) only(text []byte) error {
	b.objects.Reset()
	if err := b.decodeOne(text); err != nil {
		return err
	}
	b.objects.Show(b.rows)
	return nil
}

// wrong says what is wrong with an object of parameters.
func (b *bound) wrong(err error) *refusal {
	if unknown := (*objects.UnknownField)(nil); errors.As(err, &unknown) {
		names := duck.ColumnNames(b.at.params)
		hint := "it has none"
		if near := sql.Nearest(unknown.Name, names); near != "" {
			hint = "did you mean " + near + "?"
		} else if len(names) > 0 {
			hint = "it has " + strings.Join(names, ", ")
		}
		return refuse(400, code.UnknownParameter, hint, "endpoint %s has no parameter %s", b.at.name, unknown.Name)
	}
	if errors.Is(err, objects.ErrFull) {
		return refuse(413, code.TooLarge, "send less at a time", "a request has at most %d rows of parameters, and 8 MB of them",
			objects.Most)
	}
	return refuse(400, code.BadParameter, "DESCRIBE ENDPOINT "+b.at.name+" says what it takes", "%s", err)
}

// asking is a statement, and what it needs to be true.
type asking struct {
	st   *duck.Statement
	form duck.Form
	rows *found // that it reads; nil: it goes through the tables, and is right in any state
	// patient: where its rows aren't known in the state that is read it is errPassed; else it goes through the tables.
	patient bool
	wide    func() (*duck.Statement, error)
}

// ask runs a statement so that the version of what it reads is known: by itself where nothing commits meanwhile, else in a transaction.
// done closes what was opened.
func (r *reader) ask(ctx context.Context, l *looker, v *view, slow flag, a asking) (rows *duck.Rows, epoch uint64, version int64,
	done func(), err error) {
	st := a.st
	if a.rows != nil {
		defer l.quick.begin()()
	}
	if v.epoch%2 == 0 && !slow.Load() && l.db.Epoch() == v.epoch {
		if rows, err = runAs(ctx, st, a.form); err != nil {
			return nil, 0, 0, nil, err
		}
		if l.db.Epoch() == v.epoch {
			return rows, v.epoch, v.version, rows.Close, nil
		}
		rows.Close()
		slow.Store(true) // it takes longer than a state lasts: the next goes the other way at once
	} else if l.db.Epoch() == v.epoch {
		slow.Store(false)
	}
	rows = nil
	now, err := r.beginAt(ctx, v)
	if err != nil {
		return nil, 0, 0, nil, err
	}
	finish := func() {
		if rows != nil {
			rows.Close()
		}
		_ = r.end() // what can't be rolled back was ended by an error
	}
	if a.rows != nil && !l.still(v, now, a.rows.moves) {
		if err = errPassed; !a.patient {
			st, err = a.wide()
		}
	}
	if err == nil {
		rows, err = runAs(ctx, st, a.form)
	}
	if err != nil {
		finish()
		return nil, 0, 0, nil, err
	}
	return rows, 1, now.version, finish, nil
}

// runAs runs a statement for a form of answer.
func runAs(ctx context.Context, st *duck.Statement, form duck.Form) (*duck.Rows, error) {
	if form == duck.AsArrow {
		return st.RunArrow(ctx)
	}
	return st.Run(ctx)
}

// still says that a transaction, whose state is now, sees the rows of the view where they were: no commit is over since, and of one that
// is on its way there is nothing in it, or nothing about rows.
func (l *looker) still(v, now *view, moves uint64) bool {
	return now.version == v.version && l.db.Moves() == moves && l.db.Epoch()-v.epoch <= 1
}

// flag is an atomic.Bool.
type flag interface {
	Load() bool
	Store(bool)
}
