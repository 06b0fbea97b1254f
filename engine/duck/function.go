package duck

// Scalar functions written in Go on DuckDB's raw vectors: a call handles up to 2,048 rows, nothing is boxed. (The driver's own
// row-wise executors cost 20 to 30 times a vector's work.)

/*
#include <stdlib.h>
#include "duckdb.h"
extern void dsqlScalar(void *info, void *chunk, void *out);
static void dsql_scalar(duckdb_function_info info, duckdb_data_chunk chunk, duckdb_vector out) { dsqlScalar(info, chunk, out); }
static void *dsql_scalar_callback(void) { return (void *)dsql_scalar; }

// A call is told which connection its statement runs on: one more than its number stands in place of the bind data.
static void *same(void *p) { return p; }
static uintptr_t number(duckdb_client_context c) {
	uintptr_t n = duckdb_client_context_get_connection_id(c) + 1;
	duckdb_destroy_client_context(&c);
	return n;
}
static void dsql_scalar_bind(duckdb_bind_info info) {
	duckdb_client_context c;
	duckdb_scalar_function_get_client_context(info, &c);
	duckdb_scalar_function_set_bind_data(info, (void *)number(c), 0);
	duckdb_scalar_function_set_bind_data_copy(info, same);
}
static void dsql_scalar_knows_connection(void *f) { duckdb_scalar_function_set_bind(f, dsql_scalar_bind); }
static uintptr_t dsql_thread(void) {
	static _Thread_local char here;
	return (uintptr_t)&here;
}
static uintptr_t dsql_connection_number(duckdb_connection con) {
	duckdb_client_context c;
	duckdb_connection_get_client_context(con, &c);
	return number(c);
}
static uintptr_t dsql_call_number(void *info) { return (uintptr_t)duckdb_scalar_function_get_bind_data(info); }
*/
import "C"

import (
	"context"
	"fmt"
	"runtime/cgo"
	"slices"
	"strings"
	"unsafe"

	bindings "github.com/duckdb/duckdb-go-bindings"
)

// Function is a scalar function. Call runs on several of DuckDB's threads at once. Arguments keep their NULLs.
type Function struct {
	Name    string
	Params  []Type // Call has accessors for DOUBLE, BIGINT, BOOLEAN and VARCHAR, and Arguments for all that Arrow has
	Returns Type   // DOUBLE, BIGINT, VARCHAR, a list of DOUBLE, INTEGER or STRUCT(VARCHAR, DOUBLE), and by Result all that Arrow has
	// Call's error, where it is a *sql.Error, is that of the statement.
	Call func(*Call) error
	// Volatile: DuckDB calls it once for each row that it is asked for, and nowhere else.
	Volatile bool
	// Throws: it fails for some values. DuckDB would call it for values of no row too: those of a dictionary, say, that others of a file
	// share.
	Throws bool
	// Outside: it waits for others, who cost more than DuckDB does. Its calls have the statement's Context, and what can be kept is kept
	// rather than computed again.
	Outside bool
}

// Call is one vector's worth of a function's arguments and its result. It must not be kept.
type Call struct {
	N     int
	chunk bindings.DataChunk
	out   bindings.Vector
	ctx   context.Context

	connection uint64 // of the statement, where the function is Outside
}

// Rows is N, for who knows a Call as an interface.
func (c *Call) Rows() int { return c.N }

// Thread tells the thread that the call runs on from others. DuckDB takes a chunk of rows through a pipeline on one thread, and then the
// next.
func (c *Call) Thread() uintptr { return uintptr(C.dsql_thread()) }

// Context is that of the statement that the call is a part of, where the function is Outside.
func (c *Call) Context() context.Context { return c.ctx }

// taken are the types whose values Call has ways to read or write.
var taken = []TypeID{TypeDouble, TypeInteger, TypeBigInt, TypeBoolean, TypeVarchar}

// functionType is DuckDB's own for a type. What models have is made here, DuckDB asked for others.
func (c *Conn) functionType(t Type) (bindings.LogicalType, error) {
	s := t.Shape()
	switch {
	case slices.Contains(taken, s.ID):
		return bindings.CreateLogicalType(types[s.ID].raw), nil
	case s.ID == TypeList:
		of, err := c.functionType(s.Parts[0].Type)
		if err != nil {
			return of, err
		}
		defer bindings.DestroyLogicalType(&of)
		return bindings.CreateListType(of), nil
	case s.ID == TypeStruct:
		var fields []bindings.LogicalType
		var names []string
		defer func() {
			for i := range fields {
				bindings.DestroyLogicalType(&fields[i])
			}
		}()
		for _, p := range s.Parts {
			of, err := c.functionType(p.Type)
			if err != nil {
				return of, err
			}
			fields, names = append(fields, of), append(names, p.Name)
		}
		return bindings.CreateStructType(fields, names), nil
	}
	return c.logicalType(t)
}

// Register makes functions of one name, told apart by their parameters, callable on all connections of the database. DuckDB
// replaces a function of the same name silently, and keeps it until the database is closed: names must be unique for what they do.
// Not transactional.
func (c *Conn) Register(fs ...Function) error {
	set := bindings.CreateScalarFunctionSet(fs[0].Name)
	defer bindings.DestroyScalarFunctionSet(&set)
	for _, f := range fs {
		if err := f.addTo(c, set); err != nil {
			return err
		}
	}
	if bindings.RegisterScalarFunctionSet(bindings.Connection{Ptr: unsafe.Pointer(c.raw)}, set) == bindings.StateError {
		return fmt.Errorf("DuckDB did not take the function %s", fs[0].Name)
	}
	r := Routine{Type: "scalar", Stability: "CONSISTENT", Pure: !fs[0].Volatile}
	if fs[0].Volatile || fs[0].Outside {
		r.Stability = "VOLATILE"
	}
	c.DB.mu.Lock()
	defer c.DB.mu.Unlock()
	c.DB.own[strings.ToLower(fs[0].Name)] = []Routine{r}
	return nil
}

func (f Function) addTo(c *Conn, set bindings.ScalarFunctionSet) error {
	sf := bindings.CreateScalarFunction()
	defer bindings.DestroyScalarFunction(&sf)
	bindings.ScalarFunctionSetName(sf, f.Name)
	for _, p := range f.Params {
		t, err := c.functionType(p)
		if err != nil {
			return err
		}
		bindings.ScalarFunctionAddParameter(sf, t)
		bindings.DestroyLogicalType(&t)
	}
	t, err := c.functionType(f.Returns)
	if err != nil {
		return err
	}
	bindings.ScalarFunctionSetReturnType(sf, t)
	bindings.DestroyLogicalType(&t)
	bindings.ScalarFunctionSetSpecialHandling(sf) // NULL arguments reach Call; a NULL feature is a missing value, not a NULL score
	if f.Volatile || f.Throws {
		bindings.ScalarFunctionSetVolatile(sf)
	}
	call := f.Call
	if f.Outside {
		C.dsql_scalar_knows_connection(sf.Ptr)
		db := c.DB
		call = func(call *Call) error {
			call.ctx = db.running(call.connection)
			return f.Call(call)
		}
	}
	h := (*cgo.Handle)(C.malloc(C.size_t(unsafe.Sizeof(cgo.Handle(0)))))
	*h = cgo.NewHandle(call)
	bindings.ScalarFunctionSetExtraInfo(sf, unsafe.Pointer(h), nil) // lives as long as the process: DuckDB may call until it ends
	bindings.ScalarFunctionSetFunction(sf, C.dsql_scalar_callback())
	if bindings.AddScalarFunctionToSet(set, sf) == bindings.StateError {
		return fmt.Errorf("DuckDB did not take the function %s", f.Name)
	}
	return nil
}

//export dsqlScalar
func dsqlScalar(info, chunk, out unsafe.Pointer) {
	h := (*cgo.Handle)(C.duckdb_scalar_function_get_extra_info(C.duckdb_function_info(info)))
	call := Call{chunk: bindings.DataChunk{Ptr: chunk}, out: bindings.Vector{Ptr: out}}
	call.N = int(bindings.DataChunkGetSize(call.chunk))
	call.connection = uint64(C.dsql_call_number(info))
	fail := func(v any) {
		if err, ok := v.(error); ok {
			v = raise(err)
		}
		msg := C.CString(fmt.Sprint(v))
		defer C.free(unsafe.Pointer(msg))
		C.duckdb_scalar_function_set_error(C.duckdb_function_info(info), msg)
	}
	defer func() { // a panic must not unwind through C
		if r := recover(); r != nil {
			fail(r)
		}
	}()
	run, ok := h.Value().(func(*Call) error)
	if !ok {
		fail("the function is gone")
		return
	}
	if err := run(&call); err != nil {
		fail(err)
	}
}

// Doubles is argument i's values and its validity words: bit r%64 of word r/64 is 0 where row r is NULL; nil means that none is.
func (c *Call) Doubles(i int) ([]float64, []uint64) {
	v := bindings.DataChunkGetVector(c.chunk, bindings.IdxT(i))
	return unsafe.Slice((*float64)(bindings.VectorGetData(v)), c.N), c.validity(v)
}

// Ints is argument i's values as Doubles are, for BIGINT.
func (c *Call) Ints(i int) ([]int64, []uint64) {
	v := bindings.DataChunkGetVector(c.chunk, bindings.IdxT(i))
	return unsafe.Slice((*int64)(bindings.VectorGetData(v)), c.N), c.validity(v)
}

// Bools is argument i's values as Doubles are, for BOOLEAN.
func (c *Call) Bools(i int) ([]bool, []uint64) {
	v := bindings.DataChunkGetVector(c.chunk, bindings.IdxT(i))
	return unsafe.Slice((*bool)(bindings.VectorGetData(v)), c.N), c.validity(v)
}

// Pass makes argument i the result, without copying it.
func (c *Call) Pass(i int) {
	bindings.VectorReferenceVector(c.out, bindings.DataChunkGetVector(c.chunk, bindings.IdxT(i)))
}

// Texts is argument i's VARCHAR values. A text is valid for the call only.
func (c *Call) Texts(i int) (func(row int) string, []uint64) {
	v := bindings.DataChunkGetVector(c.chunk, bindings.IdxT(i))
	data := unsafe.Slice((*[2]uint64)(bindings.VectorGetData(v)), c.N)
	return func(row int) string {
		s := &data[row]
		n := uint32(s[0])
		if n <= 12 {
			return unsafe.String((*byte)(unsafe.Add(unsafe.Pointer(s), 4)), n)
		}
		return unsafe.String(*(**byte)(unsafe.Pointer(&s[1])), n)
	}, c.validity(v)
}

func (c *Call) validity(v bindings.Vector) []uint64 {
	p := bindings.VectorGetValidity(v)
	if p == nil {
		return nil
	}
	return unsafe.Slice((*uint64)(p), (c.N+63)/64)
}

// OutDoubles is the result to fill, for DOUBLE.
func (c *Call) OutDoubles() []float64 {
	return unsafe.Slice((*float64)(bindings.VectorGetData(c.out)), c.N)
}

// OutInts is the result to fill, for BIGINT.
func (c *Call) OutInts() []int64 {
	return unsafe.Slice((*int64)(bindings.VectorGetData(c.out)), c.N)
}

// OutBools is the result to fill, for BOOLEAN.
func (c *Call) OutBools() []bool {
	return unsafe.Slice((*bool)(bindings.VectorGetData(c.out)), c.N)
}

// OutText sets a row of a VARCHAR result.
func (c *Call) OutText(row int, s string) {
	bindings.VectorAssignStringElement(c.out, bindings.IdxT(row), s)
}

// OutLists is the result to fill, for DOUBLE[] with width values a row, one row after the other.
func (c *Call) OutLists(width int) []float64 { return outLists[float64](c, width) }

// OutIntLists is OutLists for INTEGER[].
func (c *Call) OutIntLists(width int) []int32 { return outLists[int32](c, width) }

func outLists[T any](c *Call, width int) []T {
	n := c.N * width
	bindings.ListVectorReserve(c.out, bindings.IdxT(n))
	bindings.ListVectorSetSize(c.out, bindings.IdxT(n))
	entries := unsafe.Slice((*[2]uint64)(bindings.VectorGetData(c.out)), c.N)
	for r := range entries {
		entries[r] = [2]uint64{uint64(r * width), uint64(width)}
	}
	return unsafe.Slice((*T)(bindings.VectorGetData(bindings.ListVectorGetChild(c.out))), n)
}

// OutPairs is the result to fill, for a list of STRUCT(VARCHAR, DOUBLE): ends[r] is how many elements the rows up to r have.
func (c *Call) OutPairs(ends []int) (set func(i int, text string), numbers []float64) {
	n, from := ends[c.N-1], 0
	bindings.ListVectorReserve(c.out, bindings.IdxT(n))
	bindings.ListVectorSetSize(c.out, bindings.IdxT(n))
	entries := unsafe.Slice((*[2]uint64)(bindings.VectorGetData(c.out)), c.N)
	for r, to := range ends {
		entries[r], from = [2]uint64{uint64(from), uint64(to - from)}, to
	}
	pairs := bindings.ListVectorGetChild(c.out)
	texts := bindings.StructVectorGetChild(pairs, 0)
	return func(i int, text string) { bindings.VectorAssignStringElement(texts, bindings.IdxT(i), text) },
		unsafe.Slice((*float64)(bindings.VectorGetData(bindings.StructVectorGetChild(pairs, 1))), n)
}

// SetNull makes the result of a row NULL.
func (c *Call) SetNull(row int) {
	bindings.VectorEnsureValidityWritable(c.out)
	w := (*uint64)(unsafe.Add(bindings.VectorGetValidity(c.out), row/64*8))
	*w &^= 1 << (row % 64)
}

// Nulls makes the result, of the type, NULL in all rows. Of a STRUCT or ARRAY that is NULL the parts are NULL too: what DuckDB does next, a
// CAST say, may look at those alone.
func (c *Call) Nulls(t Type) { nulls(c.out, t, c.N) }

func nulls(v bindings.Vector, t Type, n int) {
	bindings.VectorEnsureValidityWritable(v)
	clear(unsafe.Slice((*uint64)(bindings.VectorGetValidity(v)), (n+63)/64))
	switch s := t.Shape(); s.ID {
	case TypeStruct:
		for i, p := range s.Parts {
			nulls(bindings.StructVectorGetChild(v, bindings.IdxT(i)), p.Type, n)
		}
	case TypeArray:
		nulls(bindings.ArrayVectorGetChild(v), s.Parts[0].Type, n*s.Length)
	}
}

// IsNull reads a bit of validity words.
func IsNull(valid []uint64, row int) bool { return valid != nil && valid[row>>6]>>(row&63)&1 == 0 }

// running is the context of the statement that runs on a connection.
func (db *DB) running(number uint64) context.Context {
	db.mu.Lock()
	defer db.mu.Unlock()
	for _, c := range db.conns {
		if uint64(C.dsql_connection_number(c.raw)) == number {
			if ctx := c.ctx.Load(); ctx != nil {
				return *ctx
			}
		}
	}
	return context.Background()
}
