package kafka

import (
	"fmt"

	"dsql/ingest/batch"
	"dsql/ingest/declare"
	"dsql/ingest/format/json"
	"dsql/sql"
	"dsql/sql/code"
)

// Compile reads FROM KAFKA; samples find what fields there are.
func Compile(c *declare.Compiler, d declare.Declaration, v *sql.Value, samples *declare.Samples) *Source {
	s := &Source{Declaration: d, samples: samples, at: v.Keyword, onLoss: "fail", onBadBatch: "fail", format: &json.Format,
		limits: batch.Limits{Rows: batch.UsualRows, Bytes: 96 << 20}}
	if s.at == (sql.Span{}) {
		s.at = v.Span
	}
	given := map[string]sql.Option{}
	for _, o := range v.Options {
		for i := range options {
			if options[i].name != o.Name {
				continue
			}
			given[o.Name] = o
			if o.Kind == sql.OptEnv && o.Name != "brokers" {
				c.Fail(o.Value, code.NoEnv, "env() is for connections",
					"write the value itself, or declare a connection: CREATE CONNECTION … TO KAFKA (…)")
				continue
			}
			options[i].set(c, s, o)
		}
	}
	either(c, v, given, "connection", "brokers", "say how the cluster is reached: connection name, or brokers 'localhost:9092'")
	either(c, v, given, "topic", "topics", "say what is read: topic 'name', or topics 'a regular expression'")
	if to := s.rejectTopic; to.Text != "" && (to.Text == s.topic || s.topics != nil && s.topics.MatchString(to.Text)) {
		c.Fail(to.Span, code.ContradictingOptions, "the source reads the topic "+to.Text+" itself", "name another topic for rejects")
	}
	for i := range options {
		k := &options[i]
		if o, ok := given[k.name]; ok && k.format != "" && k.format != s.format.Name {
			c.Fail(o.At, code.ContradictingOptions, fmt.Sprintf("%s is an option of format %s, and this is %s", o.Name, k.format, s.format.Name),
				"remove "+o.Name)
		}
	}
	if s.brokers != nil && s.format.Registered != nil {
		c.Fail(given["brokers"].At, code.NoRegistry, s.format.Name+" needs a schema registry, which a connection names",
			"CREATE CONNECTION name TO KAFKA (brokers '…', schema_registry 'http://host:8081'), and here connection name")
	}
	if s.OnNew == "ADD COLUMNS" && s.format.Object == nil && s.format.Registered == nil {
		c.Fail(s.Stmt.Arg("ON SCHEMA CHANGE").Keyword, code.NoGrowth, "values of format "+s.format.Name+" don't name their fields",
			"write ON SCHEMA CHANGE IGNORE, or leave it out")
	}
	s.checkColumns(c)
	s.dialect.Format = s.format
	return s
}

// either demands one of two options.
func either(c *declare.Compiler, v *sql.Value, given map[string]sql.Option, a, b, hint string) {
	x, one := given[a]
	_, other := given[b]
	switch {
	case one && other:
		c.Fail(x.At, code.ContradictingOptions, fmt.Sprintf("%s and %s exclude each other", a, b), "remove one of them")
	case !one && !other:
		at := v.Keyword
		if at == (sql.Span{}) {
			at = v.Span
		}
		c.Fail(at, code.MissingOption, fmt.Sprintf("FROM KAFKA needs %s or %s", a, b), hint)
	}
}

// checkColumns checks the declared columns against the format.
func (s *Source) checkColumns(c *declare.Compiler) {
	if s.Defs == nil {
		c.Fail(s.Stmt.NameAt, code.NoColumns, "a source FROM KAFKA declares its columns",
			"write CREATE SOURCE "+s.Stmt.Name+" (id BIGINT, …) FROM KAFKA (…); `dsql inspect kafka://broker/topic` prints them from a sample")
		return
	}
	values := 0
	for _, col := range s.Defs {
		if key := col.Args["FROM KEY"]; key != nil {
			if key.Text != "" {
				if _, err := declare.Path(key.Text); err != nil {
					c.Fail(key.Span, code.BadPath, err.Error(), "write FROM KEY '$.id', or FROM KEY alone for the whole key")
				}
			}
			continue
		}
		values++
		if path := col.Args["FROM"]; path != nil && s.format.Flat {
			c.Fail(path.Keyword, code.ContradictingOptions, fmt.Sprintf("format %s has no paths", s.format.Name),
				"remove FROM: the fields of csv are the columns in their order, raw is the one column")
		}
		if values > 1 && s.format.Single {
			c.Fail(col.Name.Span, code.RawColumns, "format "+s.format.Name+" gives one column, beside those FROM KEY",
				"declare one BLOB or VARCHAR column; _meta has the coordinates")
			return
		}
	}
}
