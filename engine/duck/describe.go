package duck

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"dsql/sql"

	bindings "github.com/duckdb/duckdb-go-bindings"
)

const describe = "DESCRIBE "

// Describe binds a query and returns its columns; nothing runs. A check has thousands, and to prepare a query takes less than half of what
// the statement DESCRIBE takes, a fifth where the optimizer is off (Unoptimized).
func (c *Conn) Describe(ctx context.Context, q *Query, at sql.Place) (cols []Column, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	r := c.result(ctx, q, at)
	defer r.Close()
	cols, known, err := c.describe(q.Text)
	switch {
	case err != nil && !strings.Contains(err.Error(), severalStatements):
		return nil, r.fail(err)
	case err == nil && known:
		return cols, nil
	}
	shown, wrong := c.describeByStatement(ctx, Cat(SQL(describe), q), at)
	if wrong == nil && err == nil && len(shown) == len(cols) {
		c.learn(cols, shown)
	}
	return shown, wrong
}

// Unoptimized runs f, which binds much and runs little, with DuckDB's optimizer off, since that looks at each query that is prepared, and
// with relations to bind against (Conn.Empty): on this connection alone, since others look at the file meanwhile.
func (c *Conn) Unoptimized(ctx context.Context, f func() error) error {
	if _, err := c.exec(ctx, noOptimizer); err != nil {
		return err
	}
	c.shapes = &shapes{made: map[string]*Relation{}, types: map[Type]bindings.LogicalType{}}
	err := f()
	ctx = context.WithoutCancel(ctx)
	again := c.shapes.close(ctx)
	c.shapes = nil
	if _, e := c.exec(ctx, optimizer); again == nil {
		again = e
	}
	if err != nil {
		return err
	}
	return again
}

const noOptimizer, optimizer = "PRAGMA disable_optimizer", "PRAGMA enable_optimizer"

// severalStatements is what DuckDB says of PIVOT and the like, which are several.
const severalStatements = "Cannot prepare multiple statements"

// describe prepares a query. known: all types are told as DESCRIBE tells them; else those that aren't have their signature.
func (c *Conn) describe(text string) (cols []Column, known bool, err error) {
	defer c.traced(describe + text)(&err)
	var st bindings.PreparedStatement
	defer bindings.DestroyPrepare(&st)
	if bindings.Prepare(c.bound(), text, &st) == bindings.StateError {
		return nil, false, errors.New(bindings.PrepareError(st))
	}
	// DESCRIBE says what is wrong with others.
	known = bindings.PreparedStatementType(st) == bindings.StatementTypeSelect && bindings.NParams(st) == 0
	for i := range bindings.PreparedStatementColumnCount(st) {
		t := bindings.PreparedStatementColumnLogicalType(st, i)
		name, plain := signature(t)
		bindings.DestroyLogicalType(&t)
		if !plain {
			name, plain = c.DB.printed(name)
		}
		known = known && plain
		cols = append(cols, Column{bindings.PreparedStatementColumnName(st, i), Type(name)})
	}
	return cols, known, nil
}

// signature tells a type from any other: plain, as DuckDB prints it, else in words of its own; "": types that differ may have the same.
func signature(t bindings.LogicalType) (name string, plain bool) {
	k := types[typesByRaw[bindings.GetTypeId(t)]]
	if alias := bindings.LogicalTypeGetAlias(t); alias != "" {
		if k.id == TypeVarchar && isJSON(t) {
			return types[TypeJSON].name, true
		}
		return "", false
	}
	switch k.id {
	case TypeDecimal:
		return fmt.Sprintf("%s(%d,%d)", k.name, bindings.DecimalWidth(t), bindings.DecimalScale(t)), true
	case TypeList:
		return of(bindings.ListTypeChildType(t), "[]")
	case TypeArray:
		return of(bindings.ArrayTypeChildType(t), fmt.Sprintf("[%d]", bindings.ArrayTypeArraySize(t)))
	case TypeMap:
		key, _ := of(bindings.MapTypeKeyType(t), "")
		value, _ := of(bindings.MapTypeValueType(t), "")
		return parts("map", []string{"", ""}, []string{key, value}), false
	case TypeStruct:
		var names, of []string
		for i := range bindings.StructTypeChildCount(t) {
			child := bindings.StructTypeChildType(t, i)
			s, _ := signature(child)
			bindings.DestroyLogicalType(&child)
			names, of = append(names, bindings.StructTypeChildName(t, i)), append(of, s)
		}
		return parts("struct", names, of), false
	case 0, TypeNull, TypeEnum, TypeUnion, TypeGeometry, TypeVariant:
		return "", false
	}
	return k.name, true
}

func of(child bindings.LogicalType, suffix string) (string, bool) {
	defer bindings.DestroyLogicalType(&child)
	s, plain := signature(child)
	if s == "" {
		return "", false
	}
	return s + suffix, plain
}

// parts is the signature of a type with fields.
func parts(kind string, names, of []string) string {
	var b strings.Builder
	b.WriteString(kind)
	for i, s := range of {
		if s == "" {
			return ""
		}
		fmt.Fprintf(&b, " %q %q", names[i], s)
	}
	return b.String()
}

// printed is how DuckDB prints the type of a signature, where it was seen.
func (db *DB) printed(signature string) (name string, ok bool) {
	if signature == "" {
		return "", false
	}
	db.mu.Lock()
	defer db.mu.Unlock()
	if t, ok := db.prints[signature]; ok {
		return string(t), true
	}
	return signature, false
}

// mostPrints bounds what is remembered of types.
const mostPrints = 10_000

// learn remembers how the types of signatures are printed.
func (c *Conn) learn(signatures, shown []Column) {
	c.DB.mu.Lock()
	defer c.DB.mu.Unlock()
	if c.DB.prints == nil || len(c.DB.prints) > mostPrints {
		c.DB.prints = map[string]Type{}
	}
	for i, s := range signatures {
		if s.Type != "" {
			c.DB.prints[string(s.Type)] = shown[i].Type
		}
	}
}

// describeByStatement asks DuckDB to print the types.
func (c *Conn) describeByStatement(ctx context.Context, d *Query, at sql.Place) (cols []Column, err error) {
	r := c.result(ctx, d, at)
	defer r.Close()
	if err := r.execute(d.Text); err != nil {
		return nil, r.fail(err)
	}
	if bindings.ColumnType(&r.res, 0) != bindings.TypeVarchar || bindings.ColumnType(&r.res, 1) != bindings.TypeVarchar {
		return nil, r.fail(errors.New("DuckDB described a query with no names and types"))
	}
	for r.chunk = bindings.FetchChunk(r.res); r.chunk.Ptr != nil; r.chunk = bindings.FetchChunk(r.res) {
		rows := Call{N: int(bindings.DataChunkGetSize(r.chunk)), chunk: r.chunk}
		names, _ := rows.Texts(0)
		types, _ := rows.Texts(1)
		for i := range rows.N {
			cols = append(cols, Column{strings.Clone(names(i)), Type(strings.Clone(types(i)))})
		}
		bindings.DestroyDataChunk(&r.chunk)
	}
	if text := bindings.ResultError(&r.res); text != "" {
		return nil, r.fail(errors.New(text))
	}
	return cols, nil
}
