// Package ingest is CREATE SOURCE: it tells the carriers apart. Files (ingest/files) and topics (ingest/kafka) bring records, formats
// (ingest/format) decode them into batches (ingest/batch) that DuckDB scans in place. Where rows go is none of its business.
package ingest

import (
	"dsql/engine/kind"
	"dsql/ingest/declare"
	"dsql/ingest/files"
	"dsql/ingest/kafka"
	"dsql/sql"
	"dsql/sql/code"
)

// Kind is CREATE SOURCE.
var Kind = kind.Kind{Syntax: declare.Syntax(files.Clause, kafka.Clause), Compile: compile, Role: kind.Reads}

// compile reads what all sources share, then what its FROM clause says: each kind of reader has one.
func compile(d *sql.Decl) (kind.Object, error) {
	c := &declare.Compiler{Src: d.Src}
	s := c.Declaration(d)
	fromFiles, fromKafka := d.Arg("FROM FILES"), d.Arg("FROM KAFKA")
	var out kind.Object
	switch {
	case fromFiles != nil && fromKafka != nil:
		c.Fail(fromKafka.Keyword, code.ContradictingOptions, "a source reads files or a topic",
			"declare two sources; a stream may read both: FROM a, b")
	case fromFiles != nil:
		out = files.Compile(c, s, fromFiles)
	case fromKafka != nil:
		if v := d.Arg("ON BAD FILE"); v != nil {
			c.Fail(v.Keyword, code.ContradictingOptions, "a topic has no files", "ON BAD RECORD is for the records of a topic")
		}
		out = kafka.Compile(c, s, fromKafka, files.Samples)
	default:
		c.Fail(d.NameAt, code.MissingClause, "SOURCE "+d.Name+" needs FROM FILES or FROM KAFKA",
			"add: FROM FILES ('in/*.csv') or FROM KAFKA (brokers 'host:9092', topic 'name')")
	}
	if err := c.Errs.Err(); err != nil {
		return nil, err
	}
	return out, nil
}
