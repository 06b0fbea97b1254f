package ingest

import (
	"context"
	"fmt"
	"regexp"
	"time"

	"dsql/connect"
	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/sql"
)

// kafkaSource is a compiled CREATE SOURCE … FROM KAFKA.
type kafkaSource struct {
	declaration
	at         sql.Span // of FROM KAFKA's options
	connection sql.Name // "": brokers
	brokers    *connect.Connection
	topic      string
	topicAt    sql.Span
	topics     *regexp.Regexp // instead of topic
	format     *Format
	start      start
	group      string
	onLoss     string // fail, earliest, latest
	onBadBatch string // fail, skip
	limits     Limits
	wait       time.Duration // batch_time; 0: as the run needs it
	dialect    Dialect
	samples    Samples
	found      []duck.Column // by ON SCHEMA CHANGE ADD COLUMNS, in this run
}

// start is where a destination begins that has no place in a topic yet.
type start struct {
	latest bool
	since  *time.Time // nil: none
}

// compileTopics reads FROM KAFKA; samples find what fields there are.
func compileTopics(c *compiler, d declaration, v *sql.Value, samples Samples) *kafkaSource {
	s := &kafkaSource{declaration: d, samples: samples, at: v.Keyword, onLoss: "fail", onBadBatch: "fail", format: &jsonFormat,
		limits: Limits{Rows: usualRows, Bytes: 96 << 20}}
	if s.at == (sql.Span{}) {
		s.at = v.Span
	}
	given := map[string]sql.Option{}
	for _, o := range v.Options {
		for i := range kafkaOptions {
			if kafkaOptions[i].name != o.Name {
				continue
			}
			given[o.Name] = o
			if o.Kind == sql.OptEnv && o.Name != "brokers" {
				c.fail(o.Value, "no-env", "env() is for connections",
					"write the value itself, or declare a connection: CREATE CONNECTION … TO KAFKA (…)")
				continue
			}
			kafkaOptions[i].set(c, s, o)
		}
	}
	either(c, v, given, "connection", "brokers", "say how the cluster is reached: connection name, or brokers 'localhost:9092'")
	either(c, v, given, "topic", "topics", "say what is read: topic 'name', or topics 'a regular expression'")
	for i := range kafkaOptions {
		k := &kafkaOptions[i]
		if o, ok := given[k.name]; ok && k.format != "" && k.format != s.format.Name {
			c.fail(o.At, "contradicting-options", fmt.Sprintf("%s is an option of format %s, and this is %s", o.Name, k.format, s.format.Name),
				"remove "+o.Name)
		}
	}
	if s.brokers != nil && s.format.Registered != nil {
		c.fail(given["brokers"].At, "no-registry", s.format.Name+" needs a schema registry, which a connection names",
			"CREATE CONNECTION name TO KAFKA (brokers '…', schema_registry 'http://host:8081'), and here connection name")
	}
	if s.onNew == "ADD COLUMNS" && s.format.Object == nil && s.format.Registered == nil {
		c.fail(s.decl.Arg("ON SCHEMA CHANGE").Keyword, "no-growth", "values of format "+s.format.Name+" don't name their fields",
			"write ON SCHEMA CHANGE IGNORE, or leave it out")
	}
	s.checkColumns(c)
	s.dialect.Format = s.format
	return s
}

// either demands one of two options.
func either(c *compiler, v *sql.Value, given map[string]sql.Option, a, b, hint string) {
	x, one := given[a]
	_, other := given[b]
	switch {
	case one && other:
		c.fail(x.At, "contradicting-options", fmt.Sprintf("%s and %s exclude each other", a, b), "remove one of them")
	case !one && !other:
		at := v.Keyword
		if at == (sql.Span{}) {
			at = v.Span
		}
		c.fail(at, "missing-option", fmt.Sprintf("FROM KAFKA needs %s or %s", a, b), hint)
	}
}

// checkColumns checks the declared columns against the format.
func (s *kafkaSource) checkColumns(c *compiler) {
	if s.columns == nil {
		c.fail(s.decl.NameAt, "no-columns", "a source FROM KAFKA declares its columns",
			"write CREATE SOURCE "+s.decl.Name+" (id BIGINT, …) FROM KAFKA (…); `dsql inspect kafka://broker/topic` prints them from a sample")
		return
	}
	values := 0
	for _, col := range s.columns {
		if key := col.Args["FROM KEY"]; key != nil {
			if key.Text != "" {
				if _, err := jsonPath(key.Text); err != nil {
					c.fail(key.Span, "bad-path", err.Error(), "write FROM KEY '$.id', or FROM KEY alone for the whole key")
				}
			}
			continue
		}
		values++
		if path := col.Args["FROM"]; path != nil && s.format.Flat {
			c.fail(path.Keyword, "contradicting-options", fmt.Sprintf("format %s has no paths", s.format.Name),
				"remove FROM: the fields of csv are the columns in their order, raw is the one column")
		}
		if values > 1 && s.format.Single {
			c.fail(col.Name.Span, "raw-columns", "format "+s.format.Name+" gives one column, beside those FROM KEY",
				"declare one BLOB or VARCHAR column; _meta has the coordinates")
			return
		}
	}
}

// Columns are the declared ones. The connection has to be declared too; it isn't made yet.
func (s *kafkaSource) Columns(ctx context.Context, c *duck.Conn, env *kind.Env, pinned []duck.Column) ([]duck.Column, error) {
	conn, err := s.dial(env)
	switch {
	case err != nil:
		return nil, err
	case s.format.Registered != nil && !conn.HasRegistry():
		return nil, &sql.Error{Src: s.decl.Src, Span: s.at, Code: "no-registry",
			Msg:  s.format.Name + " needs a schema registry, and the connection " + s.connection.Text + " names none",
			Hint: "add schema_registry 'http://host:8081' to it"}
	}
	cols, err := s.types(ctx, c)
	if err != nil || s.onNew != "ADD COLUMNS" {
		return cols, err
	}
	return s.grown(cols, pinned), nil
}

// fields are the columns as the decoders see them.
func (s *kafkaSource) fields(cols []duck.Column) []Field {
	out := s.declaration.fields(cols)
	for i, f := range out {
		d := s.column(f.Name)
		if d == nil || !f.Key {
			continue
		}
		if out[i].Path = nil; d.Args["FROM KEY"].Text != "" {
			out[i].Path, _ = jsonPath(d.Args["FROM KEY"].Text)
		}
	}
	return out
}

// dial is the connection that the source reads over.
func (s *kafkaSource) dial(env *kind.Env) (*connect.Connection, error) {
	if s.brokers != nil {
		return s.brokers, nil
	}
	return connect.Find(env, s.decl.Src, s.connection)
}
