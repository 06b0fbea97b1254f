package sinks

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/sr"

	"dsql/connect"
	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/sinks/encode"
	"dsql/sql"
	"dsql/sql/code"
)

// Formats with a schema registry: the schema is made of the sink's columns, and registered when the sink is opened. A registry that is away
// then is like brokers that are.

// registryOptions are for those formats alone.
var registryOptions = []option{
	{name: "record", doc: "the full name of the record in its schema, 'shop.Order' (default: the name behind FROM)"},
	{name: "subject_strategy", doc: "where values are registered: topic_name (<topic>-value, default), record_name (<record>) or " +
		"topic_record_name (<topic>-<record>); keys always under <topic>-key"},
	{name: "key_format", doc: "text: keys as they are without a schema (default: the format of values)"},
	{name: "register", flag: true, doc: "whether a schema that the registry doesn't have is registered (default true)"},
}

// registered says how the schemas of a sink are registered.
type registered struct {
	form     encode.Form
	record   string // full name
	strategy string
	textKeys bool
	known    bool // the schemas have to be there
}

// strategies are where values are registered, as Confluent's serialisers call it.
var strategies = []string{"topic_name", "record_name", "topic_record_name"}

// registered reads the options of a format with a registry; nil: it is another.
func (d *declared) registered(format string, errs *sql.List) *registered {
	form, ok := encode.Forms[format]
	if !ok {
		for _, x := range registryOptions {
			if o, given := d.given[x.name]; given {
				*errs = append(*errs, d.decl.At(o.At).Errorf(code.ContradictingOptions, "%s is for formats with a schema registry, and this is %s",
					o.Name, format).WithHint("remove "+o.Name+", or write format avro, protobuf or json_schema"))
			}
		}
		return nil
	}
	r := &registered{form: form, record: encode.Name(d.Input().Text), strategy: strategies[0]}
	fail := func(o sql.Option, c code.Code, hint, format string, args ...any) {
		*errs = append(*errs, d.decl.At(o.Value).Errorf(c, format, args...).WithHint(hint))
	}
	if o, ok := d.given["record"]; ok {
		if r.record = o.Text; !encode.IsFullName(o.Text) {
			fail(o, code.NoSchema, "write record 'shop.Order'", "%s is no name of a record", o.Text)
		}
	}
	if o, ok := d.given["subject_strategy"]; ok {
		if r.strategy = strings.ToLower(o.Text); !slices.Contains(strategies, r.strategy) {
			fail(o, code.BadChoice, sql.DidYouMean(o.Text, strategies, sql.Listed("it is one of ", strategies, "")), "%s is no strategy", o.Text)
		}
	}
	if o, ok := d.given["key_format"]; ok {
		if r.textKeys = strings.EqualFold(o.Text, "text"); !r.textKeys && !strings.EqualFold(o.Text, format) {
			fail(o, code.BadChoice, "write key_format text, or leave it out", "keys are texts, or %s as values are", format)
		}
	}
	if o, ok := d.given["register"]; ok {
		r.known = !d.yes(o, errs)
	}
	if o, ok := d.given["brokers"]; ok {
		*errs = append(*errs, d.decl.At(o.At).Errorf(code.NoRegistry, "%s needs a schema registry, which a connection names", format).
			WithHint("CREATE CONNECTION name TO KAFKA (brokers '…', schema_registry 'http://host:8081'), and here connection name"))
	}
	return r
}

// subject is where the values' schema is registered.
func (s *kafka) subject() string {
	switch s.reg.strategy {
	case "record_name":
		return s.reg.record
	case "topic_record_name":
		return s.topic + "-" + s.reg.record
	}
	return s.topic + "-value"
}

// making makes an encoder behind a schema.
type making func(prior *sr.Schema) (*encode.Encoder, error)

// values makes the encoder of a record's value.
func (s *kafka) values(cols []duck.Column) making {
	cols = cols[s.from(cols):]
	return func(prior *sr.Schema) (*encode.Encoder, error) { return s.reg.form.Row(s.reg.record, cols, prior) }
}

// keys makes the encoder of its key; nil: it has none, or a text.
func (s *kafka) keys(cols []duck.Column) making {
	if len(s.key) == 0 || s.reg.textKeys {
		return nil
	}
	of := make([]duck.Column, len(s.key))
	for i, p := range partsOf(s.key, cols) {
		of[i] = cols[p.at]
	}
	name := s.reg.record + "_key"
	return func(prior *sr.Schema) (*encode.Encoder, error) {
		if len(of) == 1 {
			return s.reg.form.One(name, of[0], prior)
		}
		return s.reg.form.Row(name, of, prior)
	}
}

// bindSchemas sees that the columns make schemas.
func (s *kafka) bindSchemas(env *kind.Env, cols []duck.Column) error {
	conn, err := s.connection(env)
	if err == nil && !conn.HasRegistry() {
		return s.decl.At(s.at).Errorf(code.NoRegistry, "format %s needs a schema registry, and the connection %s names none",
			s.given["format"].Text, names(s.given["connection"])[0].Text).WithHint("add schema_registry 'http://host:8081' to it")
	}
	for _, of := range []making{s.values(cols), s.keys(cols)} {
		if of == nil || err != nil {
			continue
		}
		if _, wrong := of(nil); wrong != nil {
			return s.noSchema(wrong)
		}
	}
	return err
}

// noSchema tells why columns make no schema.
func (s *kafka) noSchema(err error) error {
	var w *encode.Wrong
	if !errors.As(err, &w) {
		return err
	}
	return s.decl.At(s.Input().Span).Errorf(code.NoSchema, "%s", w.Why).WithHint(w.Hint)
}

// written is what values of records, or keys, are written with.
type written struct {
	enc   *encode.Encoder
	id    uint32
	of    []int // its columns among the sink's
	at    []int // where they, or what they are cast to, stand in the query
	views []*duck.View
}

// register registers the schemas, and finds their numbers.
func (k *kafkaOutlet) register(ctx context.Context) error {
	s := k.s
	cl, err := k.conn.Registry()
	if err != nil {
		return err
	}
	sh := &k.shape
	if sh.value, err = s.known(ctx, cl, s.subject(), s.values(k.o.Columns)); err != nil {
		return err
	}
	for i := range sh.value.enc.Casts {
		sh.value.of = append(sh.value.of, s.from(k.o.Columns)+i)
	}
	if of := s.keys(k.o.Columns); of != nil {
		if sh.keys, err = s.known(ctx, cl, s.topic+"-key", of); err != nil {
			return err
		}
		for _, p := range sh.key {
			sh.keys.of = append(sh.keys.of, p.at)
		}
	}
	return nil
}

// known is a schema with its number in the registry.
func (s *kafka) known(ctx context.Context, cl *sr.Client, subject string, of making) (*written, error) {
	var prior *sr.Schema
	if s.reg.form.Type == sr.TypeProtobuf { // whose fields keep their numbers
		latest, err := cl.SchemaByVersion(ctx, subject, -1)
		if answer := connect.Answer(err); err != nil && (answer == nil || answer.StatusCode != http.StatusNotFound) {
			return nil, s.unregistered(ctx, subject, err)
		}
		if err == nil {
			prior = &latest.Schema
		}
	}
	enc, err := of(prior)
	if err != nil {
		return nil, s.noSchema(err)
	}
	var id int
	if s.reg.known {
		var found sr.SubjectSchema
		found, err = cl.LookupSchema(ctx, subject, enc.Schema)
		id = found.ID
	} else {
		id, err = cl.RegisterSchema(ctx, subject, enc.Schema, -1, -1)
	}
	if err != nil {
		return nil, s.unregistered(ctx, subject, err)
	}
	return &written{enc: enc, id: uint32(id)}, nil
}

// unregistered tells why there is no schema in the registry.
func (s *kafka) unregistered(ctx context.Context, subject string, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	at := s.decl.At(s.given["format"].At)
	if answer := connect.Answer(err); answer != nil {
		switch {
		case s.reg.known && answer.StatusCode == http.StatusNotFound:
			return at.Errorf(code.SchemaRefused, "the registry has no such schema of %s under the subject %s, and register is false: %s",
				s.Input().Text, subject, answer.Error()).
				WithHint("register what EXPLAIN SINK " + s.decl.Name + " shows, or write register true; " + stays).WithCause(err)
		case answer.StatusCode == http.StatusConflict:
			return at.Errorf(code.SchemaRefused, "the schema of %s is not compatible with those of the subject %s: %s", s.Input().Text, subject,
				answer.Error()).
				WithHint("change the columns so that readers of both get on, allow it (PUT /config/" + subject + "), or write to another topic, or as " +
					"another record with subject_strategy record_name; " + stays).WithCause(err)
		case answer.StatusCode == http.StatusUnprocessableEntity:
			return at.Errorf(code.SchemaRefused, "the registry takes no such schema under the subject %s: %s", subject, answer.Error()).
				WithHint("see EXPLAIN SINK " + s.decl.Name + "; " + stays).WithCause(err)
		}
	}
	e := connect.RegistryError(err)
	e.Src, e.Span = at.Src, at.Span
	return e
}

// bytes is a row as w writes it; json: the row as JSON, for schemas of such.
func (w *written) bytes(res *duck.Result, json func() []byte) ([]byte, error) {
	b := w.enc.Head(nil, w.id)
	if w.enc.IsJSON() {
		return append(b, json()...), nil
	}
	views, row := res.Views()
	w.views = w.views[:0]
	for _, at := range w.at {
		w.views = append(w.views, &views[at])
	}
	return w.enc.Row(b, w.views, row)
}

// casts are what the query has behind its columns for w: those that DuckDB makes of others.
func (w *written) casts(cols []duck.Column, behind int, add func(*duck.Query)) (next int) {
	if w == nil {
		return behind
	}
	w.at = slices.Clone(w.of)
	for i, t := range w.enc.Casts {
		if t == "" {
			continue
		}
		add(duck.SQL(", {c}::{t} AS {n}", duck.Args{"c": duck.Ident(cols[w.of[i]].Name), "t": t,
			"n": duck.Ident(duck.FreeName(fmt.Sprint("_cast", behind), cols))}))
		w.at[i] = behind
		behind++
	}
	return behind
}

// explained are the schemas, for EXPLAIN SINK.
func (s *kafka) explained(cols []duck.Column) (text string) {
	show := func(what, subject string, of making) {
		if of == nil {
			return
		}
		if e, err := of(nil); err == nil {
			text += fmt.Sprintf("%s, subject %s:\n%s\n", what, subject, strings.TrimSpace(e.Schema.Schema))
		}
	}
	show("schema of values", s.subject(), s.values(cols))
	show("schema of keys", s.topic+"-key", s.keys(cols))
	return text
}
