package duck

/*
#include <stdlib.h>
#include "scan.h"
*/
import "C"

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"unsafe"

	"dsql/internal/lazy"
	"dsql/sql"

	bindings "github.com/duckdb/duckdb-go-bindings"
)

// printer turns chunks of a result into text by DuckDB's own casts: it shows a chunk to a statement on a second connection, which
// scans it in place. So every type, nested ones too, is printed as DuckDB prints it, also those that the driver can't read.
type printer struct {
	columns []Column
	types   []bindings.LogicalType
	rel     *C.dsql_relation
	text    form
	json    form
}

// form is one way to print all columns, and what it made of the chunk in hand.
type form struct {
	conn  *Conn
	query *Query
	stmt  bindings.PreparedStatement
	out   bindings.DataChunk
	cells []printed // nil: the chunk isn't printed yet
}

// printed is a VARCHAR vector: 16 bytes a row, and the bits of those that are not NULL (nil: all).
type printed struct{ data, valid unsafe.Pointer }

// newPrinter makes the printer of a result of c. Times with a zone are printed in the zone that is set on c.
func (c *Conn) newPrinter(ctx context.Context, res *bindings.Result) (_ *printer, err error) {
	if c.printer == nil {
		if c.printer, err = c.DB.Reader(ctx); err != nil {
			return nil, err
		}
	}
	for _, name := range []string{"TimeZone", "Calendar"} {
		if v := c.Setting(name); v != c.printer.Setting(name) {
			if _, err := c.printer.Exec(ctx, SQL("SET {name} = {v}", Args{"name": Ident(name), "v": v})); err != nil {
				return nil, err
			}
		}
	}
	n := bindings.ColumnCount(res)
	var id C.int64_t
	p := &printer{rel: C.dsql_relation_new(C.idx_t(n), &id)}
	var texts, jsons []*Query
	for i := range n {
		t, name := bindings.ColumnLogicalType(res, i), fmt.Sprint("c", i)
		p.types = append(p.types, t)
		cname := C.CString(name)
		C.dsql_relation_col(p.rel, C.idx_t(i), cname, C.duckdb_logical_type(t.Ptr), C.idx_t(i))
		C.free(unsafe.Pointer(cname))
		texts = append(texts, SQL("CAST({c} AS VARCHAR)", Args{"c": Ident(name)}))
		jsons = append(jsons, jsonOf(t, Ident(name)))
	}
	from := SQL(" FROM dsql_batch({id})", Args{"id": int64(id)})
	p.text = form{conn: c.printer, query: Cat(SQL("SELECT "), Join(", ", texts...), from)}
	p.json = form{conn: c.printer, query: Cat(SQL("SELECT "), Join(", ", jsons...), from)}
	p.columns, err = c.printer.Describe(ctx, Cat(SQL("SELECT *"), from), sql.Place{})
	if err != nil {
		p.close()
		return nil, err
	}
	for i := range p.columns {
		p.columns[i].Name = bindings.ColumnName(res, bindings.IdxT(i))
	}
	return p, nil
}

// Setting is the value of a setting of the connection as text, "" where it has none; without a statement: one may be running.
func (c *Conn) Setting(name string) string {
	var ctx bindings.ClientContext
	bindings.ConnectionGetClientContext(c.bound(), &ctx)
	defer bindings.DestroyClientContext(&ctx)
	cname := C.CString(name)
	defer C.free(unsafe.Pointer(cname))
	v := bindings.Value{Ptr: unsafe.Pointer(C.duckdb_client_context_get_config_option(C.duckdb_client_context(ctx.Ptr), cname, nil))}
	if v.Ptr == nil {
		return ""
	}
	defer bindings.DestroyValue(&v)
	return bindings.GetVarchar(v)
}

// jsonOf is a column as JSON text.
func jsonOf(t bindings.LogicalType, col *Query) *Query {
	switch {
	case isJSON(t):
		return AsJSON.of("JSON", col)
	case bindings.GetTypeId(t) == bindings.TypeFloat:
		return AsJSON.of("FLOAT", col)
	}
	return AsJSON.of("", col)
}

func isJSON(t bindings.LogicalType) bool { return bindings.LogicalTypeGetAlias(t) == "JSON" }

// validJSON mends what the query of jsonOf gives: a JSON value loses its white space (to_json would write its numbers anew), NaN
// and infinities are quoted.
func (p *printer) validJSON(i int, text string) []byte {
	return ValidJSON([]byte(text), isJSON(p.types[i]))
}

// ValidJSON mends a text of AsJSON; isJSON: the column is of type JSON.
func ValidJSON(text []byte, isJSON bool) []byte {
	var b bytes.Buffer
	if isJSON && json.Compact(&b, text) == nil {
		return b.Bytes()
	}
	return quoteNonFinite(text)
}

var stringsAndNonFinite = lazy.Regexp(`"(?:[^"\\]|\\.)*"|-?(?:NaN|Infinity)`)

// quoteNonFinite puts quotes around NaN and infinities that stand outside strings.
func quoteNonFinite(text []byte) []byte {
	if !bytes.Contains(text, []byte("NaN")) && !bytes.Contains(text, []byte("Infinity")) {
		return text
	}
	return stringsAndNonFinite().ReplaceAllFunc(text, func(m []byte) []byte {
		if m[0] == '"' {
			return m
		}
		return slices.Concat([]byte{'"'}, m, []byte{'"'})
	})
}

// value is column i of a row of chunk; ok is false for NULL.
func (f *form) value(p *printer, chunk bindings.DataChunk, i, row int) (text string, ok bool, err error) {
	if f.cells == nil {
		if err := f.print(p, chunk); err != nil {
			return "", false, err
		}
	}
	b, ok := f.cells[i].text(row)
	return string(b), ok, nil
}

// text is a row's, in DuckDB's memory; ok is false for NULL.
func (v printed) text(row int) ([]byte, bool) {
	if v.valid != nil && *(*uint64)(unsafe.Add(v.valid, row>>6<<3))>>(row&63)&1 == 0 {
		return nil, false
	}
	s := unsafe.Add(v.data, row*16) // its length, then up to 12 bytes; or its first 4 and a pointer to all
	n, at := *(*uint32)(s), unsafe.Add(s, 4)
	if n > 12 {
		at = *(*unsafe.Pointer)(unsafe.Add(s, 8))
	}
	return unsafe.Slice((*byte)(at), n), true
}

func (f *form) print(p *printer, chunk bindings.DataChunk) error {
	if f.stmt.Ptr == nil && bindings.Prepare(f.conn.bound(), f.query.Text, &f.stmt) == bindings.StateError {
		return errors.New(bindings.PrepareError(f.stmt))
	}
	rows, in := bindings.DataChunkGetSize(chunk), C.duckdb_data_chunk(chunk.Ptr)
	C.dsql_relation_show(p.rel, &in, 1, C.idx_t(rows))
	defer C.dsql_relation_show(p.rel, nil, 0, 0)
	var res bindings.Result
	defer bindings.DestroyResult(&res)
	if bindings.ExecutePrepared(f.stmt, &res) == bindings.StateError {
		return errors.New(bindings.ResultError(&res))
	}
	f.out = bindings.FetchChunk(res)
	if f.out.Ptr == nil || bindings.DataChunkGetSize(f.out) != rows {
		return errors.New("DuckDB printed another number of rows than it was shown")
	}
	for i := range p.columns {
		v := bindings.DataChunkGetVector(f.out, bindings.IdxT(i))
		f.cells = append(f.cells, printed{bindings.VectorGetData(v), unsafe.Pointer(bindings.VectorGetValidity(v))})
	}
	return nil
}

func (f *form) forget() {
	bindings.DestroyDataChunk(&f.out)
	f.cells = nil
}

// forget drops what was printed of a chunk that is done.
func (p *printer) forget() {
	p.text.forget()
	p.json.forget()
}

func (p *printer) close() {
	p.forget()
	bindings.DestroyPrepare(&p.text.stmt)
	bindings.DestroyPrepare(&p.json.stmt)
	C.dsql_relation_free(p.rel)
	for i := range p.types {
		bindings.DestroyLogicalType(&p.types[i])
	}
}
