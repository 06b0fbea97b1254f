// Package kafka owns the sources that read topics, and their places.
//
// The way of a record: the cluster is asked what there is (cluster.go), what destinations lack is planned (plan.go), polled (poll.go) and
// taken into a batch (take.go), which the reader (reader.go) gives to the pipeline. A group shares partitions (group.go).
package kafka

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"time"

	"dsql/connect"
	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/ingest/batch"
	"dsql/ingest/declare"
	"dsql/ingest/format/json"
	"dsql/sql"
	"dsql/sql/code"
)

// Source is a compiled CREATE SOURCE … FROM KAFKA.
type Source struct {
	declare.Declaration
	at         sql.Span // of FROM KAFKA's options
	connection sql.Name // "": brokers
	brokers    *connect.Connection
	topic      string
	topicAt    sql.Span
	topics     *regexp.Regexp // instead of topic
	format     *batch.Format
	start      start
	group      string
	onLoss     string // fail, earliest, latest
	onBadBatch string // fail, skip
	limits     batch.Limits
	wait       time.Duration // batch_time; 0: as the run needs it
	dialect    batch.Dialect
	samples    *declare.Samples
}

// start is where a destination begins that has no place in a topic yet.
type start struct {
	latest bool
	since  *time.Time // nil: none
}

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

// Columns are the declared ones. The connection has to be declared too; it isn't made yet.
func (s *Source) Columns(ctx context.Context, c *duck.Conn, env *kind.Env, pinned []duck.Column) ([]duck.Column, error) {
	conn, err := s.dial(env)
	switch {
	case err != nil:
		return nil, err
	case s.format.Registered != nil && !conn.HasRegistry():
		return nil, s.Stmt.At(s.at).Errorf(code.NoRegistry, "%s needs a schema registry, and the connection %s names none", s.format.Name,
			s.connection.Text).
			WithHint("add schema_registry 'http://host:8081' to it")
	}
	cols, err := s.Types(ctx, c)
	if err != nil || s.OnNew != "ADD COLUMNS" {
		return cols, err
	}
	return s.grown(cols, slices.Concat(pinned, s.found(env).cols)), nil
}

// fields are the columns as the decoders see them.
func (s *Source) fields(cols []duck.Column) []batch.Field {
	out := s.Declaration.Fields(cols)
	for i, f := range out {
		d := s.Column(f.Name)
		if d == nil || !f.Key {
			continue
		}
		if out[i].Path = nil; d.Args["FROM KEY"].Text != "" {
			out[i].Path, _ = declare.Path(d.Args["FROM KEY"].Text)
		}
	}
	return out
}

// dial is the connection that the source reads over.
func (s *Source) dial(env *kind.Env) (*connect.Connection, error) {
	if s.brokers != nil {
		return s.brokers, nil
	}
	return connect.Find(env, s.Stmt.Src, s.connection)
}
