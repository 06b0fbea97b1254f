package ingest

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
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
	format     string
	start      start
	group      string
	onLoss     string // fail, earliest, latest
	onBadBatch string // fail, skip
	limits     Limits
	wait       time.Duration // batch_time; 0: as the run needs it
	dialect    Dialect
	found      []duck.Column // by ON SCHEMA CHANGE ADD COLUMNS, in this run
}

// start is where a destination begins that has no place in a topic yet.
type start struct {
	latest bool
	since  *time.Time // nil: none
}

var timeForms = []string{"2006-01-02 15:04:05.999999", "2006-01-02T15:04:05.999999", "2006-01-02T15:04:05.999999Z07:00",
	"2006-01-02 15:04:05.999999Z07:00", "2006-01-02 15:04", "2006-01-02"}

// ParseTime reads a timestamp as DuckDB writes it; UTC where it has no offset.
func ParseTime(text string) (time.Time, bool) {
	for _, form := range timeForms {
		if t, err := time.Parse(form, text); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

// kafkaOption is an option of FROM KAFKA.
type kafkaOption struct {
	name   string
	format string // the only format that has it; "": all
	doc    string
	set    func(*compiler, *kafkaSource, sql.Option)
}

var kafkaOptions = []kafkaOption{
	{"connection", "", "the CREATE CONNECTION that says how the cluster is reached", func(c *compiler, s *kafkaSource, o sql.Option) {
		name := o.Text
		if len(o.Names) > 0 {
			name = o.Names[0].Text
		}
		s.connection = sql.Name{Text: name, Span: o.Value}
	}},
	{"brokers", "", "host:port of the cluster's brokers, instead of a connection",
		func(c *compiler, s *kafkaSource, o sql.Option) { s.brokers = connect.Brokers(c.src, o) }},
	{"topic", "", "the topic", func(c *compiler, s *kafkaSource, o sql.Option) { s.topic, s.topicAt = c.name(o), o.Value }},
	{"topics", "", "a regular expression: all topics that it matches from their first to their last character, those that come later too",
		func(c *compiler, s *kafkaSource, o sql.Option) {
			s.topicAt = o.Value
			var err error
			if s.topics, err = regexp.Compile("^(?:" + c.text(o) + ")$"); err != nil {
				c.fail(o.Value, "bad-regex", strings.TrimPrefix(err.Error(), "error parsing regexp: "), "the syntax is RE2's: topics 'orders_.*'")
			}
		}},
	{"format", "", "json, csv, raw (the value as it is, into the one column that there is), avro or protobuf (with a schema registry) or " +
		"debezium (its JSON)", func(c *compiler, s *kafkaSource, o sql.Option) {
		s.format = c.word(o, "json", "csv", "avro", "protobuf", "raw", "debezium")
	}},
	{"start", "", "where a destination begins that is new: earliest (default), latest, or timestamp '…' in UTC",
		func(c *compiler, s *kafkaSource, o sql.Option) {
			switch {
			case o.Kind == sql.OptString && o.Type == "timestamp":
				t, ok := ParseTime(o.Text)
				if !ok {
					c.fail(o.Value, "bad-time", o.Text+" is no time", "write start timestamp '2026-01-31 12:00:00', in UTC")
				}
				s.start.since = &t
			default:
				s.start.latest = c.word(o, "earliest", "latest") == "latest"
			}
		}},
	{"group", "", "a consumer group whose members share the partitions; without it this file takes all of them",
		func(c *compiler, s *kafkaSource, o sql.Option) { s.group = c.name(o) }},
	{"on_offset_loss", "", "when records are gone that were not read yet: fail (default), earliest or latest, noted in dsql.gaps",
		func(c *compiler, s *kafkaSource, o sql.Option) { s.onLoss = c.word(o, "fail", "earliest", "latest") }},
	{"on_bad_batch", "", "when a batch of the brokers' can't be read (wrong checksum, more than 1 GiB unpacked): fail (default), or skip, " +
		"noted in dsql.gaps", func(c *compiler, s *kafkaSource, o sql.Option) { s.onBadBatch = c.word(o, "fail", "skip") }},
	{"batch_rows", "", "records of a batch at most (default 245760)",
		func(c *compiler, s *kafkaSource, o sql.Option) { s.limits.Rows = int(c.number(o, 1, 10_000_000)) }},
	{"batch_bytes", "", "raw bytes of a batch at most (default 96 MiB); a larger record is bad",
		func(c *compiler, s *kafkaSource, o sql.Option) { s.limits.Bytes = c.number(o, 1<<10, 1<<34) }},
	{"batch_time", "", "how long a batch is filled at most: '500ms', '2s' (default 1s with --follow, else as long as there is more)",
		func(c *compiler, s *kafkaSource, o sql.Option) { s.wait = c.duration(o) }},
	{"reject_limit", "", "stops the run when more records than this are bad in it",
		func(c *compiler, s *kafkaSource, o sql.Option) { s.rejects = c.number(o, 0, 1<<60) }},
	{"delim", "csv", "what stands between fields (default ,)",
		func(c *compiler, s *kafkaSource, o sql.Option) { s.dialect.Delim = c.delimiter(o) }},
	{"quote", "csv", "the quote, '' for none", func(c *compiler, s *kafkaSource, o sql.Option) {
		s.dialect.Quote = c.char(o, true)
		s.dialect.NoQuote = s.dialect.Quote == 0
	}},
	{"escape", "csv", "what stands before a quote inside quotes (default: another quote)",
		func(c *compiler, s *kafkaSource, o sql.Option) { s.dialect.Escape = c.char(o, true) }},
	{"nullstr", "csv", "the text that is NULL, or a list; then an empty field is the empty string",
		func(c *compiler, s *kafkaSource, o sql.Option) {
			s.dialect.NullSet, s.dialect.NullStr = true, c.texts(o)
		}},
	{"null_padding", "csv", "whether missing fields at the end of a record are NULL",
		func(c *compiler, s *kafkaSource, o sql.Option) { s.dialect.NullPadding = c.yes(o) }},
}

func kafkaOptionDocs() []sql.OptionDoc {
	out := make([]sql.OptionDoc, len(kafkaOptions))
	for i, o := range kafkaOptions {
		out[i] = sql.OptionDoc{Name: o.name, Doc: o.doc}
		if o.format != "" {
			out[i].Doc = o.format + ": " + o.doc
		}
	}
	return out
}

// name is a text or a bare word.
func (c *compiler) name(o sql.Option) string {
	if o.Kind != sql.OptString && o.Kind != sql.OptWord || o.Text == "" {
		c.fail(o.Value, "expected-string", o.Name+" is a text", "write "+o.Name+" 'name'")
	}
	if len(o.Names) > 0 {
		return o.Names[0].Text
	}
	return o.Text
}

// duration is '500ms', '2s', a number of seconds, or an interval.
func (c *compiler) duration(o sql.Option) time.Duration {
	d, err := time.ParseDuration(strings.ReplaceAll(o.Text, " ", ""))
	if err != nil {
		var n float64
		f := strings.Fields(strings.ToLower(o.Text))
		units := map[string]time.Duration{"": time.Second, "millisecond": time.Millisecond, "second": time.Second, "sec": time.Second,
			"minute": time.Minute, "min": time.Minute}
		unit := ""
		if len(f) == 2 {
			unit = strings.TrimSuffix(f[1], "s")
		}
		if len(f) > 0 {
			n, err = strconv.ParseFloat(f[0], 64)
		}
		if u, ok := units[unit]; ok && err == nil && len(f) <= 2 {
			d = time.Duration(n * float64(u))
		}
	}
	if d < time.Millisecond || d > time.Hour {
		c.fail(o.Value, "bad-duration", o.Text+" is no time from 1 ms to an hour", "write "+o.Name+" '500ms' or '2s'")
		return time.Second
	}
	return d
}

// kafkaSource reads FROM KAFKA.
func (c *compiler) kafkaSource(d declaration, v *sql.Value) *kafkaSource {
	s := &kafkaSource{declaration: d, at: v.Keyword, onLoss: "fail", onBadBatch: "fail", format: "json",
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
	c.either(v, given, "connection", "brokers", "say how the cluster is reached: connection name, or brokers 'localhost:9092'")
	c.either(v, given, "topic", "topics", "say what is read: topic 'name', or topics 'a regular expression'")
	for i := range kafkaOptions {
		k := &kafkaOptions[i]
		if o, ok := given[k.name]; ok && k.format != "" && k.format != s.format {
			c.fail(o.At, "contradicting-options", fmt.Sprintf("%s is an option of format %s, and this is %s", o.Name, k.format, s.format),
				"remove "+o.Name)
		}
	}
	if s.brokers != nil && registered[s.format] != nil {
		c.fail(given["brokers"].At, "no-registry", s.format+" needs a schema registry, which a connection names",
			"CREATE CONNECTION name TO KAFKA (brokers '…', schema_registry 'http://host:8081'), and here connection name")
	}
	if s.onNew == "ADD COLUMNS" && (s.format == "csv" || s.format == "raw") {
		c.fail(s.decl.Arg("ON SCHEMA CHANGE").Keyword, "no-growth", "values of format "+s.format+" don't name their fields",
			"write ON SCHEMA CHANGE IGNORE, or leave it out")
	}
	c.kafkaColumns(s)
	s.dialect.Format, s.dialect.Records = "json", s.format
	if s.format == "csv" {
		s.dialect.Format = "csv"
	}
	return s
}

// either demands one of two options.
func (c *compiler) either(v *sql.Value, given map[string]sql.Option, a, b, hint string) {
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

// kafkaColumns checks the declared columns against the format.
func (c *compiler) kafkaColumns(s *kafkaSource) {
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
		if path := col.Args["FROM"]; path != nil && (s.format == "csv" || s.format == "raw") {
			c.fail(path.Keyword, "contradicting-options", fmt.Sprintf("format %s has no paths", s.format),
				"remove FROM: the fields of csv are the columns in their order, raw is the one column")
		}
		if values > 1 && s.format == "raw" {
			c.fail(col.Name.Span, "raw-columns", "format raw gives one column, beside those FROM KEY",
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
	case registered[s.format] != nil && !conn.HasRegistry():
		return nil, &sql.Error{Src: s.decl.Src, Span: s.at, Code: "no-registry",
			Msg:  s.format + " needs a schema registry, and the connection " + s.connection.Text + " names none",
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
