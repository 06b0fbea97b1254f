package ingest

import (
	"dsql/engine/kind"
	"dsql/sql"
)

// Kind is CREATE SOURCE.
var Kind = kind.Kind{Syntax: syntax(filesClause, kafkaClause), Compile: compile}

// compile reads what all sources share, then what its FROM clause says: each kind of reader has one.
func compile(d *sql.Decl) (kind.Object, error) {
	c := &compiler{src: d.Src}
	s := c.read(d)
	files, kafka := d.Arg("FROM FILES"), d.Arg("FROM KAFKA")
	var out kind.Object
	switch {
	case files != nil && kafka != nil:
		c.fail(kafka.Keyword, "contradicting-options", "a source reads files or a topic",
			"declare two sources; a stream may read both: FROM a, b")
	case files != nil:
		out = compileFiles(c, s, files)
	case kafka != nil:
		if v := d.Arg("ON BAD FILE"); v != nil {
			c.fail(v.Keyword, "contradicting-options", "a topic has no files", "ON BAD RECORD is for the records of a topic")
		}
		out = compileTopics(c, s, kafka, fileSamples)
	default:
		c.fail(d.NameAt, "missing-clause", "SOURCE "+d.Name+" needs FROM FILES or FROM KAFKA",
			"add: FROM FILES ('in/*.csv') or FROM KAFKA (brokers 'host:9092', topic 'name')")
	}
	if err := c.errs.Err(); err != nil {
		return nil, err
	}
	return out, nil
}
