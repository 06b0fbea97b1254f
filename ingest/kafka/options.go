package kafka

import (
	"regexp"
	"strings"

	"dsql/connect"
	"dsql/ingest/declare"
	"dsql/ingest/format"
	"dsql/sql"
	"dsql/sql/code"
)

// Clause is FROM KAFKA.
var Clause = sql.Clause{Keyword: "FROM KAFKA", Arg: sql.ArgOptions, Options: optionDocs(), Doc: "(option value, …): the records of topics"}

// option is an option of FROM KAFKA.
type option struct {
	name   string
	format string // the only format that has it; "": all
	doc    string
	set    func(*declare.Compiler, *Source, sql.Option)
}

var options = []option{
	{"connection", "", "the CREATE CONNECTION that says how the cluster is reached", func(c *declare.Compiler, s *Source, o sql.Option) {
		name := o.Text
		if len(o.Names) > 0 {
			name = o.Names[0].Text
		}
		s.connection = sql.Name{Text: name, Span: o.Value}
	}},
	{"brokers", "", "host:port of the cluster's brokers, instead of a connection",
		func(c *declare.Compiler, s *Source, o sql.Option) { s.brokers = connect.Brokers(c.Src, o) }},
	{"topic", "", "the topic", func(c *declare.Compiler, s *Source, o sql.Option) { s.topic, s.topicAt = c.Name(o), o.Value }},
	{"topics", "", "a regular expression: all topics that it matches from their first to their last character, those that come later too",
		func(c *declare.Compiler, s *Source, o sql.Option) {
			s.topicAt = o.Value
			var err error
			if s.topics, err = regexp.Compile("^(?:" + c.Text(o) + ")$"); err != nil {
				c.Fail(o.Value, code.BadRegex, strings.TrimPrefix(err.Error(), "error parsing regexp: "), "the syntax is RE2's: topics 'orders_.*'")
			}
		}},
	{"format", "", format.Doc(format.OfTopics), func(c *declare.Compiler, s *Source, o sql.Option) {
		s.format = format.Named(c.Word(o, format.Names(format.OfTopics)...))
	}},
	{"start", "", "where a destination begins that is new: earliest (default), latest, or timestamp '…' in UTC",
		func(c *declare.Compiler, s *Source, o sql.Option) {
			switch {
			case o.Kind == sql.OptString && o.Type == "timestamp":
				t, ok := declare.ParseTime(o.Text)
				if !ok {
					c.Fail(o.Value, code.BadTime, o.Text+" is no time", "write start timestamp '2026-01-31 12:00:00', in UTC")
				}
				s.start.since = &t
			default:
				s.start.latest = c.Word(o, "earliest", "latest") == "latest"
			}
		}},
	{"group", "", "a consumer group whose members share the partitions; without it this file takes all of them",
		func(c *declare.Compiler, s *Source, o sql.Option) { s.group = c.Name(o) }},
	{"on_offset_loss", "", "when records are gone that were not read yet: fail (default), earliest or latest, noted in dsql.gaps",
		func(c *declare.Compiler, s *Source, o sql.Option) { s.onLoss = c.Word(o, "fail", "earliest", "latest") }},
	{"on_bad_batch", "", "when a batch of the brokers' can't be read (wrong checksum, more than 1 GiB unpacked): fail (default), or skip, " +
		"noted in dsql.gaps", func(c *declare.Compiler, s *Source, o sql.Option) { s.onBadBatch = c.Word(o, "fail", "skip") }},
	{"reject_topic", "", "a topic that gets what of the source is rejected, with the headers of Kafka Connect's dead letters; it must be there",
		func(c *declare.Compiler, s *Source, o sql.Option) {
			s.rejectTopic = sql.Name{Text: c.Name(o), Span: o.Value}
		}},
	{"batch_rows", "", "records of a batch at most (default 245760)",
		func(c *declare.Compiler, s *Source, o sql.Option) { s.limits.Rows = int(c.Number(o, 1, 10_000_000)) }},
	{"batch_bytes", "", "raw bytes of a batch at most (default 96 MiB); a larger record is bad",
		func(c *declare.Compiler, s *Source, o sql.Option) { s.limits.Bytes = c.Number(o, 1<<10, 1<<34) }},
	{"batch_time", "", "how long a batch is filled at most: '500ms', '2s' (default 1s with --follow, else as long as there is more)",
		func(c *declare.Compiler, s *Source, o sql.Option) { s.wait = c.Duration(o) }},
	{"reject_limit", "", "stops the run when more records than this are bad in it",
		func(c *declare.Compiler, s *Source, o sql.Option) { s.Rejects = c.Number(o, 0, 1<<60) }},
	{"delim", "csv", "what stands between fields (default ,)",
		func(c *declare.Compiler, s *Source, o sql.Option) { s.dialect.Delim = c.Delimiter(o) }},
	{"quote", "csv", "the quote, '' for none", func(c *declare.Compiler, s *Source, o sql.Option) {
		s.dialect.Quote = c.Char(o, true)
		s.dialect.NoQuote = s.dialect.Quote == 0
	}},
	{"escape", "csv", "what stands before a quote inside quotes (default: another quote)",
		func(c *declare.Compiler, s *Source, o sql.Option) { s.dialect.Escape = c.Char(o, true) }},
	{"nullstr", "csv", "the text that is NULL, or a list; then an empty field is the empty string",
		func(c *declare.Compiler, s *Source, o sql.Option) {
			s.dialect.NullSet, s.dialect.NullStr = true, c.Texts(o)
		}},
	{"null_padding", "csv", "whether missing fields at the end of a record are NULL",
		func(c *declare.Compiler, s *Source, o sql.Option) { s.dialect.NullPadding = c.Yes(o) }},
}

func optionDocs() []sql.OptionDoc {
	out := make([]sql.OptionDoc, len(options))
	for i, o := range options {
		out[i] = sql.OptionDoc{Name: o.name, Doc: o.doc}
		if o.format != "" {
			out[i].Doc = o.format + ": " + o.doc
		}
	}
	return out
}
