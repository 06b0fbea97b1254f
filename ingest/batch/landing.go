// Package batch owns the batches: a Landing decodes the records of one source into Buffers that DuckDB scans in place, good ones and bad
// ones with why they are. Files and records of topics come to it from a carrier (ingest/files, ingest/kafka); how they are cut and
// decoded it asks their Format. Where rows go, and what was taken already, is none of its business.
//
// What belongs together stands here and in format.go. A landing is compiled (compile.go); files are opened (file.go) and fill its buffers
// (buffer.go), records of topics are added to them (record.go, key.go): each is an attempt (attempt.go).
package batch

import (
	"io"
	"strings"
	"time"

	"dsql/engine/duck"
	"dsql/ingest/convert"
	"dsql/sql"
)

// Field is a declared column as the decoders see it.
type Field struct {
	Name    string
	Type    duck.Type
	Path    []string // FROM '$.a.b': the steps (an array's elements by index), for CSV one, the header's name; nil: the column's name
	Format  string   // "": by type; a word of epochs, or a strptime pattern
	Capture string   // not "": the value of the path capture of that name, the same for a whole file
	Key     bool     // FROM KEY: from the record's key, which files don't have: NULL
}

// UsualRows is how many records a batch has at most by default: two row groups, which DuckDB writes past its WAL.
const UsualRows = 245_760

// Limits of a batch; 0 is the default.
type Limits struct {
	Rows  int   // UsualRows
	Bytes int64 // 96 MiB of records, and as many again for values that don't stand in them as they are; a larger record is bad
}

// Pos is the start of a record in a file, from which reading can go on: the byte, and the line counted from 1.
type Pos struct{ Byte, Line int64 }

// FileInfo is what a file's records share.
type FileInfo struct {
	Path     string            // for _meta.file
	Captures map[string]string // by name
	Refused  string            // why none of its records is good
	Growing  bool              // it may still be being written: what it ends in is no record unless it has its end
}

// Landing decodes the records of one source into batches that DuckDB scans in place. It owns two buffers which take turns, so
// that one is filled while the other is written. One goroutine at a time may open files and fill buffers.
type Landing struct {
	Fields   []Field
	Dialect  Dialect
	Limits   Limits
	Compiled []*convert.Column // by field
	Values   []int             // the fields that a record has values for: no captures, no keys
	layout   *duck.Layout
	meta     metaNodes
	consts   *duck.Chunk // what is the same in every row
	strings  *duck.Slab
	buffers  []*Buffer
	free     chan *Buffer
	open     Opener        // of files; nil: topics
	records  *topicRecords // of topics; nil: files

	Writer convert.Writer
	root   convert.Slot      // the columns by their paths; those of keys and captures are not among them
	leaves []*convert.Column // all that root leads to
	Names  convert.NameSet   // of fields that no column takes
}

// metaNodes are what a landing fills beside the declared columns.
type metaNodes struct {
	file, line, offset, payload, reason, any *duck.Node
}

// Columns of the layout behind the declared ones.
const (
	outMeta = iota
	outPayload
	outReason
	outAny
)

// Columns are those that records give values, with the writer that takes them.
func (l *Landing) Columns() convert.Columns {
	return convert.Columns{W: &l.Writer, Root: &l.root, All: l.leaves, Names: &l.Names}
}

// UnknownNames are fields that no column takes, as far as the records have shown any.
func (l *Landing) UnknownNames() []string { return l.Names.List }

// Seen says whether any record had a field for a column, whatever its value.
func (l *Landing) Seen(f Field) bool { return l.root.Path(f.Steps()).Mark > 0 }

// Steps lead to a field's value in a record.
func (f Field) Steps() []string {
	if f.Path != nil {
		return f.Path
	}
	return []string{f.Name}
}

// SourceName is what the field is called in a record.
func (f Field) SourceName() string {
	if len(f.Path) > 0 {
		return strings.Join(f.Path, ".")
	}
	return f.Name
}

// Buffer holds one batch: the records of one file or of several.
type Buffer struct {
	l       *Landing
	slab    *duck.Slab
	at      int // in the slab: the start of the next record
	good    rowSet
	bad     rowSet
	rows    *duck.Relation
	raw     *duck.Relation
	rejects *duck.Relation
	Unknown int64
	Names   []string
	files   []string
	noted   []*File // that have bad records in the batch
	path    []byte  // of the file in hand, in the slab
	capture [][]byte
	out     bool   // between Take and Release
	Runs    []*Run // of topics: what the batch has of each partition
	marks   Marks  // of its good records
	skipped int    // records that say nothing of rows

	top   int // of the row that was begun: where the slab was
	sizes []int
}

// rowSet is a growing number of chunks.
type rowSet struct {
	chunks []*duck.Chunk // the first used of them hold rows
	used   int
	row    int // the next row of the last one
	run    int // the first row of the file in hand there
	total  int
}

// File is a file in reading.
type File struct {
	Landing    *Landing
	r          io.Reader
	Info       FileInfo
	At         Pos
	Ahead      []byte // read, and not yet in a buffer
	EOF        bool   // r is at its end, and carry with it but in Open and more
	done       bool
	Unfinished bool // it may still be being written, and ends in a record that has no end
	Skipping   bool // inside a record that is larger than a batch
	dec        Cutter
	Tail       string // what the file needs behind a record to be whole where it is cut
	Lacking    []bool // by field; nil: none

	// CSV
	Opening  *Opening
	Names    []string // of the header's fields
	Fresh    []string // those of them that no column reads
	Header   Header   // what the file was found to have, where the dialect leaves it open
	Passed   int64    // bytes that were taken for something else than records, blank lines and a header of one line
	Warnings []*sql.Error
}

// Record is a message of a topic. Its bytes are copied when it is added to a buffer.
type Record struct {
	Topic     string
	Partition int32
	Offset    int64
	Time      time.Time // the zero Time: none
	Key       []byte    // nil: none
	Value     []byte    // nil: a tombstone
	Headers   []RecordHeader
}

// RecordHeader is one of a record's headers.
type RecordHeader struct {
	Key   string
	Value []byte
}

// Header is the last of a record's headers of a name; nil: it has none.
func (r *Record) Header(name string) []byte {
	for i := len(r.Headers) - 1; i >= 0; i-- {
		if h := &r.Headers[i]; h.Key == name && h.Value != nil {
			return h.Value
		}
	}
	return nil
}

// topicMeta are the parts of _meta that differ from record to record.
type topicMeta struct {
	topic, partition, offset, timestamp, key, headers, headerKey, headerValue, tombstone *duck.Node
}

// topicRecords is what a landing has beside, to decode the records of topics.
type topicRecords struct {
	l          *Landing
	meta       topicMeta
	values     ValueDecoder
	skipped    func() bool // values' skipping; nil: it skips none
	keys       []*keyColumn
	text       ValueDecoder      // of those with a path, in JSON
	registered *registeredKeys   // nil: keys are texts
	binary     KeyDecoder        // of the key in hand, where a registry's serialiser wrote it
	topics     map[string][]byte // their names, where DuckDB can point at them
}

// keyColumn is a column FROM KEY; path: from the key as JSON.
type keyColumn struct {
	field int
	col   *convert.Column
	path  bool
}

// Run is what a batch holds of one partition: offsets from first up to next, which isn't in it.
type Run struct {
	Topic       string
	Partition   int32
	First, Next int64
}
