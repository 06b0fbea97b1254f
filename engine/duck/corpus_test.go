package duck_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unsafe"

	"github.com/duckdb/duckdb-go/v2/mapping"
	"github.com/google/go-cmp/cmp"

	"dsql/sql"
)

// Every statement of the corpus gives the same, whether the script is split by sql.Parse or by DuckDB itself. A statement that
// DuckDB turns into several (PIVOT, COPY FROM DATABASE) is split again when it is run: the parts of all statements are the parts of the
// script.
func TestCorpus(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../testdata/corpus/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	statements := make(chan int, len(files))
	t.Run("files", func(t *testing.T) {
		for _, file := range files {
			t.Run(strings.TrimSuffix(filepath.Base(file), ".sql"), func(t *testing.T) {
				t.Parallel()
				statements <- corpusFile(t, file)
			})
		}
	})
	close(statements)
	total := 0
	for n := range statements {
		total += n
	}
	t.Logf("%d statements in %d files", total, len(files))
	if total < 300 {
		t.Errorf("the corpus has %d statements", total)
	}
}

func corpusFile(t *testing.T, file string) int {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	ours, whole := openScratch(t), openScratch(t)
	stmts, err := sql.Parse(sql.NewSource(file, strings.ReplaceAll(string(text), "__TMP__", ours.dir)), nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range stmts {
		parts := ours.run(t, s.Text())
		if strings.HasPrefix(parts[0], notRead) {
			t.Errorf("%s\n%s", parts[0], s.Text())
		}
		if len(parts) != 1 && !strings.Contains(s.Text(), "PIVOT") && !strings.HasPrefix(s.Text(), "COPY FROM DATABASE") {
			t.Errorf("DuckDB reads %d statements in: %s", len(parts), s.Text())
		}
		got = append(got, parts...)
	}
	want := whole.run(t, strings.ReplaceAll(string(text), "__TMP__", whole.dir))
	if len(got) != len(want) {
		t.Errorf("%d statements, DuckDB splits into %d, the first: %s", len(got), len(want), want[0])
	}
	if diff := cmp.Diff(want, got); diff != "" && !t.Failed() {
		t.Errorf("(-split by DuckDB +split by sql.Parse)\n%s", diff)
	}
	return len(stmts)
}

// A string of the corpus has the value for DuckDB that sql.Unquote gives; what DuckDB refuses, sql.Unquote does too.
func TestUnquoteAsDuckDB(t *testing.T) {
	t.Parallel()
	db := openScratch(t)
	texts := []string{`E'\b\f\n\r\t\q\7\12\101\x7\x4a\x4ag\xg\''`, `E'\0'`, `E'\x00'`, `E'\200'`, `E'\777'`, `E'\400'`, `E'\xff'`,
		`E'\xc3\xa9'`,
		`E'\u00e9'`, `E'\U0001F986'`, `E'\u12'`, `E'é\é'`, `'é\'`, `$é$é$é$`, "E'a\\\nb'", `E''''`, `E'\1234'`, `E'\x123'`, `E'\8'`, `E'\X41'`}
	files, err := filepath.Glob("../../testdata/corpus/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, string(text))
	}
	n := 0
	for _, text := range texts {
		src := sql.NewSource("", text)
		for _, tok := range sql.Tokens(src, sql.Span{Start: 0, End: len(text)}) {
			if tok.Kind != sql.String || uuid.MatchString(tok.Span.Of(src)) {
				continue
			}
			n++
			token := tok.Span.Of(src)
			out := db.run(t, "SELECT "+token+" AS s")[0]
			got, err := sql.Unquote(token)
			want, ok := strings.CutPrefix(out, "s (0 changed)\n")
			if want = strings.TrimSuffix(want, " | "); ok != (err == nil) || ok && got != want {
				t.Errorf("%s: DuckDB gives %q, sql.Unquote %q %v", token, out, got, err)
			}
		}
	}
	if n < 300 {
		t.Errorf("only %d strings", n)
	}
}

// scratch is an in-memory database and a folder of its own.
type scratch struct {
	conn mapping.Connection
	dir  string
}

func openScratch(t *testing.T) *scratch {
	t.Helper()
	var db mapping.Database
	s := &scratch{dir: t.TempDir()}
	if mapping.Open(":memory:", &db) == mapping.StateError || mapping.Connect(db, &s.conn) == mapping.StateError {
		t.Fatal("can't open a database in memory")
	}
	t.Cleanup(func() {
		mapping.Disconnect(&s.conn)
		mapping.Close(&db)
	})
	s.run(t, "SET threads = 1; SET autoinstall_known_extensions = false; SET autoload_known_extensions = false;"+
		"SET secret_directory = '"+s.dir+"'; SET extension_directory = '"+s.dir+"'")
	return s
}

// notRead begins the result of a text that DuckDB's parser refuses: then nothing of it runs.
const notRead = "not read: "

// run executes what DuckDB finds in text, statement by statement, and gives each one's rows or error as text.
func (s *scratch) run(t *testing.T, text string) []string {
	t.Helper()
	var stmts mapping.ExtractedStatements
	n := mapping.ExtractStatements(s.conn, text, &stmts)
	defer mapping.DestroyExtracted(&stmts)
	if n == 0 {
		return []string{notRead + mapping.ExtractStatementsError(stmts)}
	}
	var out []string
	for i := range n {
		out = append(out, s.tidy(s.one(stmts, i)))
	}
	return out
}

func (s *scratch) one(stmts mapping.ExtractedStatements, i mapping.IdxT) string {
	var stmt mapping.PreparedStatement
	defer mapping.DestroyPrepare(&stmt)
	if mapping.PrepareExtractedStatement(s.conn, stmts, i, &stmt) == mapping.StateError {
		return mapping.PrepareError(stmt)
	}
	var res mapping.Result
	defer mapping.DestroyResult(&res)
	if mapping.ExecutePrepared(stmt, &res) == mapping.StateError {
		return mapping.ResultError(&res)
	}
	var b strings.Builder
	cols := mapping.ColumnCount(&res)
	for c := range cols {
		fmt.Fprintf(&b, "%s ", mapping.ColumnName(&res, c))
	}
	fmt.Fprintf(&b, "(%d changed)", mapping.RowsChanged(&res))
	for {
		chunk := mapping.FetchChunk(res)
		if chunk.Ptr == nil {
			return b.String()
		}
		for row := range mapping.DataChunkGetSize(chunk) {
			b.WriteString("\n")
			for c := range cols {
				typ := mapping.ColumnLogicalType(&res, c)
				b.WriteString(cell(mapping.DataChunkGetVector(chunk, c), typ, row) + " | ")
				mapping.DestroyLogicalType(&typ)
			}
		}
		mapping.DestroyDataChunk(&chunk)
	}
}

var uuid = regexp.MustCompile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

// tidy removes what two runs may differ in: the folder, the place that an error shows, generated names and measured times.
func (s *scratch) tidy(out string) string {
	out = uuid.ReplaceAllString(strings.ReplaceAll(out, s.dir, "TMP"), "UUID")
	out, _, _ = strings.Cut(out, "\n\nLINE ")
	if strings.HasPrefix(out, "Count (") { // DDL gives a Count whose value DuckDB never writes
		out, _, _ = strings.Cut(out, "\n")
	}
	if strings.HasPrefix(out, `{"exception_type"`) {
		out, _, _ = strings.Cut(out, `"position"`)
	}
	if strings.HasPrefix(out, "explain_key") && strings.Contains(out, "Total Time") {
		out = "a plan with times"
	}
	return out
}

// cell is a value as text that tells values apart: nested ones by their elements, strings as they are, others by their bytes.
func cell(v mapping.Vector, typ mapping.LogicalType, row mapping.IdxT) string {
	if mask := mapping.VectorGetValidity(v); mask != nil && !mapping.ValidityRowIsValid(mask, row) {
		return "NULL"
	}
	data := mapping.VectorGetData(v)
	switch id := mapping.GetTypeId(typ); id {
	case mapping.TypeVarchar, mapping.TypeBlob, mapping.TypeBit, mapping.TypeBigNum:
		s := at[mapping.StringT](data, row)
		return mapping.StringTData(&s)
	case mapping.TypeList, mapping.TypeMap:
		e := at[mapping.ListEntry](data, row)
		from, n := mapping.ListEntryMembers(&e)
		child := mapping.ListTypeChildType(typ)
		defer mapping.DestroyLogicalType(&child)
		return elements(mapping.ListVectorGetChild(v), child, mapping.IdxT(from), mapping.IdxT(n))
	case mapping.TypeArray:
		child, n := mapping.ArrayTypeChildType(typ), mapping.ArrayTypeArraySize(typ)
		defer mapping.DestroyLogicalType(&child)
		return elements(mapping.ArrayVectorGetChild(v), child, row*n, n)
	case mapping.TypeUnion: // a struct of the tag and the members
		tag := mapping.IdxT(at[uint8](mapping.VectorGetData(mapping.StructVectorGetChild(v, 0)), row))
		member := mapping.UnionTypeMemberType(typ, tag)
		defer mapping.DestroyLogicalType(&member)
		return mapping.UnionTypeMemberName(typ, tag) + "=" + cell(mapping.StructVectorGetChild(v, tag+1), member, row)
	case mapping.TypeStruct:
		var parts []string
		for i := range mapping.StructTypeChildCount(typ) {
			child := mapping.StructTypeChildType(typ, i)
			parts = append(parts, mapping.StructTypeChildName(typ, i)+": "+cell(mapping.StructVectorGetChild(v, i), child, row))
			mapping.DestroyLogicalType(&child)
		}
		return "{" + strings.Join(parts, ", ") + "}"
	default:
		switch id {
		case mapping.TypeDecimal:
			id = mapping.DecimalInternalType(typ)
		case mapping.TypeEnum:
			id = mapping.EnumInternalType(typ)
		}
		size, ok := sizes[id]
		if !ok {
			panic(fmt.Sprintf("no size of type %d", id))
		}
		return fmt.Sprintf("%d:%x", id, unsafe.Slice((*byte)(data), (row+1)*size)[row*size:])
	}
}

// sizes of the values of plain types in a vector, in bytes.
var sizes = map[mapping.Type]mapping.IdxT{
	mapping.TypeBoolean: 1, mapping.TypeTinyInt: 1, mapping.TypeUTinyInt: 1, mapping.TypeSmallInt: 2, mapping.TypeUSmallInt: 2,
	mapping.TypeInteger: 4, mapping.TypeUInteger: 4, mapping.TypeFloat: 4, mapping.TypeDate: 4,
	mapping.TypeBigInt: 8, mapping.TypeUBigInt: 8, mapping.TypeDouble: 8, mapping.TypeTime: 8, mapping.TypeTimeTZ: 8, mapping.TypeTimeNS: 8,
	mapping.TypeTimestamp: 8, mapping.TypeTimestampTZ: 8, mapping.TypeTimestampS: 8, mapping.TypeTimestampMS: 8, mapping.TypeTimestampNS: 8,
	mapping.TypeHugeInt: 16, mapping.TypeUHugeInt: 16, mapping.TypeUUID: 16, mapping.TypeInterval: 16,
}

func at[T any](data unsafe.Pointer, row mapping.IdxT) T { return unsafe.Slice((*T)(data), row+1)[row] }

func elements(v mapping.Vector, typ mapping.LogicalType, from, n mapping.IdxT) string {
	var parts []string
	for i := range n {
		parts = append(parts, cell(v, typ, from+i))
	}
	return "[" + strings.Join(parts, ", ") + "]"
}
