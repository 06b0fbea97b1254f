// Package sinks owns CREATE SINK: the new rows of a destination, written to files or to a Kafka topic once they are committed. It
// owns how a version becomes files or records, their names and ids, and how a repeat after a crash takes the place of what was
// written before. Which versions are due, and the note of how far a sink is, are the pipeline's.
package sinks

import (
	"context"
	"slices"
	"strings"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/sql"
	"dsql/sql/code"
)

// Kind is CREATE SINK.
var Kind = kind.Kind{
	Role:    kind.Sends,
	Outward: true,
	Syntax: &sql.Syntax{
		Keyword: "SINK", Plural: "SINKS",
		Clauses: []sql.Clause{
			{Keyword: "INTO FILES", Arg: sql.ArgOptions, Options: optionDocs(fileOptions),
				Doc: "('folder', option value, …): files for each version, under names that carry it; the folder is made where it isn't there"},
			{Keyword: "INTO KAFKA", Arg: sql.ArgOptions, Options: optionDocs(kafkaOptions), Doc: "(option value, …): a record for each row"},
			{Keyword: "ON ROW ERROR", Arg: sql.ArgChoice, Words: []string{"FAIL", "REJECT"},
				Doc: "a row that can't be written: FAIL (default) stops the sink, all else goes on and the run ends with the error; REJECT puts it " +
					"into dsql.rejects"},
		},
		Body: []sql.Clause{{Keyword: "FROM", Arg: sql.ArgName, Doc: "the stream, or the journal (then its changes, with change_type)"}},
		Doc: "Writes the new rows of each version once it is committed. How far it is stands in the file: none is lost, and what is repeated " +
			"after a crash carries the same name (a file) or id (a record's header `dsql-id`).",
		Example: `CREATE SOURCE readings_in (sensor VARCHAR, celsius DOUBLE, day DATE) FROM FILES ('in/*.csv', format csv);
CREATE STREAM readings FROM readings_in;
CREATE SINK lake INTO FILES ('lake/readings', format parquet, partition_by (day)) FROM readings`,
	},
	Compile: compile,
}

// option is what can stand in INTO … (…). format: the only one that has it, "" all; copy: DuckDB's COPY takes it as it is.
type option struct {
	name, format, doc string
	copy              bool
	list              bool // several columns may be named
	flag              bool // true or false
}

func optionDocs(options []option) []sql.OptionDoc {
	out := make([]sql.OptionDoc, len(options))
	for i, o := range options {
		out[i] = sql.OptionDoc{Name: o.name, Doc: o.doc}
		if o.format != "" {
			out[i].Doc = o.format + ": " + o.doc
		}
	}
	return out
}

// declared is what all sinks have.
type declared struct {
	decl    *sql.Decl
	at      sql.Span // of the options
	given   map[string]sql.Option
	rejects bool // ON ROW ERROR REJECT
}

func (d *declared) Decl() *sql.Decl { return d.decl }
func (d *declared) Input() sql.Name { return d.decl.Arg("FROM").Names[0] }

func compile(decl *sql.Decl) (kind.Object, error) {
	files, kafka := decl.Arg("INTO FILES"), decl.Arg("INTO KAFKA")
	d := declared{decl: decl, given: map[string]sql.Option{}}
	if v := decl.Arg("ON ROW ERROR"); v != nil {
		d.rejects = v.Text == "REJECT"
	}
	v := files
	switch {
	case files != nil && kafka != nil:
		return nil, d.decl.At(kafka.Keyword).Errorf(code.ContradictingOptions, "a sink writes to files or to a topic").
			WithHint("declare two sinks FROM " + d.Input().Text)
	case files == nil && kafka == nil:
		return nil, d.decl.At(decl.NameAt).Errorf(code.MissingClause, "SINK %s needs INTO FILES or INTO KAFKA", decl.Name).
			WithHint("add: INTO FILES ('folder', format parquet) or INTO KAFKA (brokers 'host:9092', topic 'name')")
	case files == nil:
		v = kafka
	}
	d.at = v.Span
	for _, o := range v.Options {
		d.given[o.Name] = o
	}
	if files != nil {
		return compileFiles(d, v.Options)
	}
	return compileKafka(d, v.Options)
}

// contradictions finds options of another format.
func (d *declared) contradictions(options []option, given []sql.Option, format string) (errs sql.List) {
	for _, o := range given {
		i := slices.IndexFunc(options, func(x option) bool { return x.name == o.Name })
		if i < 0 || options[i].format == "" || options[i].format == format {
			continue
		}
		errs = append(errs, d.decl.At(o.At).Errorf(code.ContradictingOptions, "%s is an option of format %s, and this is %s", o.Name,
			options[i].format, format).
			WithHint("remove "+o.Name))
	}
	return errs
}

// format is the option of that name, one of some words.
func (d *declared) format(words ...string) (string, *sql.Error) {
	o, ok := d.given["format"]
	if !ok {
		return words[0], nil
	}
	if w := strings.ToLower(o.Text); o.Kind != sql.OptNone && slices.Contains(words, w) {
		return w, nil
	}
	hint := sql.DidYouMean(o.Text, words, "write format "+strings.Join(words, " or "))
	if o.Kind == sql.OptNone {
		return words[0], d.decl.At(o.Value).Errorf(code.BadChoice, "format needs a value").WithHint(hint)
	}
	return words[0], d.decl.At(o.Value).Errorf(code.BadChoice, "a sink writes no %s there", o.Text).WithHint(hint)
}

// column finds a column that an option names.
func (d *declared) column(name sql.Name, what string, cols []duck.Column) (duck.Column, error) {
	i := slices.IndexFunc(cols, func(c duck.Column) bool { return strings.EqualFold(c.Name, name.Text) })
	if i >= 0 {
		return cols[i], nil
	}
	names := duck.ColumnNames(cols)
	hint := sql.DidYouMean(name.Text, names, "its columns are "+strings.Join(names, ", "))
	return duck.Column{}, d.decl.At(name.Span).Errorf(code.UnknownColumn, "%s has no column %s to %s", d.Input().Text, name.Text, what).
		WithHint(hint)
}

// names are the columns that an option names: a word, a 'text', or a list in parentheses.
func names(o sql.Option) []sql.Name {
	switch {
	case len(o.Names) > 0:
		return o.Names
	case o.Kind == sql.OptString && o.Text != "":
		return []sql.Name{{Text: o.Text, Span: o.Value}}
	}
	return nil
}

// interrupted is ctx's error where that is why something failed.
func interrupted(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}
