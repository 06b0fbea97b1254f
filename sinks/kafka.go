package sinks

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"dsql/connect"
	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/sql"
	"dsql/sql/code"
)

// IDHeader is the header that names a record: file/input/sink/version/row, rows counted from 1 in each version. No other row of any file
// has the same: of the file stands its id, and the input because another FROM begins with its own versions.
const IDHeader = "dsql-id"

var kafkaOptions = append([]option{
	{name: "connection", doc: "the CREATE CONNECTION that says how the cluster is reached"},
	{name: "brokers", doc: "host:port of the cluster's brokers, instead of a connection"},
	{name: "topic", doc: "the topic; it must be there"},
	{name: "key", list: true, doc: "the column whose text is the record's key, or (a, b): an object of theirs. Records of one key keep their " +
		"order (without it records have no key)"},
	{name: "format", doc: "json: the row as one object (default); avro, protobuf, json_schema: with a schema registry"},
	{name: "mode", doc: "append: a record for each change, with change_type; upsert: the row as it is now, by its key, and a tombstone for " +
		"one that is gone (default where key is that of the journal)"},
	{name: "headers", list: true, doc: "(a, b): columns whose texts are headers of the record, under their names"},
	{name: "timestamp", doc: "the column that is the record's time (default: when it is sent)"},
	{name: "transactional", flag: true, doc: "each version in one transaction, and once: who reads committed sees it whole (default false)"},
}, registryOptions...)

// kafka is a compiled CREATE SINK … INTO KAFKA.
type kafka struct {
	declared
	topic         string
	key, headers  []sql.Name
	time          sql.Name // "": when it is sent
	mode          string   // append, upsert; "": as the key says
	upsert        bool     // found by Bind
	transactional bool
	reg           *registered // nil: without a registry
	limits        limits
}

// limits of what is held in memory and of patience.
type limits struct {
	records, bytes int
	retries        int           // of a record that the brokers refuse for the moment; some 20 seconds
	giveUp         time.Duration // without any record taken
	tried          time.Duration // a transaction in which rows are tried may be open
}

var defaults = limits{records: 20_000, bytes: 32 << 20, retries: 10, giveUp: 20 * time.Second, tried: transactionTime / 10}

func compileKafka(d declared, options []sql.Option) (kind.Object, error) {
	s := &kafka{declared: d, limits: defaults}
	var errs sql.List
	fail := func(e *sql.Error) { errs = append(errs, e) }
	for _, o := range options {
		i := slices.IndexFunc(kafkaOptions, func(x option) bool { return x.name == o.Name })
		switch {
		case i >= 0 && kafkaOptions[i].flag:
			if yes := d.yes(o, &errs); o.Name == "transactional" {
				s.transactional = yes
			}
		case o.Kind == sql.OptNone:
			fail(d.decl.At(o.At).Errorf(code.MissingValue, "%s needs a value", o.Name).
				WithHint("write " + o.Name + " '…'"))
		case o.Kind == sql.OptEnv && o.Name != "brokers":
			fail(d.decl.At(o.Value).Errorf(code.NoEnv, "only brokers may be read from the environment").
				WithHint("write the value itself, or put it into a CREATE CONNECTION"))
		case i >= 0 && kafkaOptions[i].list && o.Kind == sql.OptList && o.Names != nil:
		case o.Name == "" || o.Kind == sql.OptList || o.Kind == sql.OptNumber:
			fail(d.decl.At(o.Value).Errorf(code.ExpectedValue, "a name or a text belongs here").
				WithHint("write topic 'scores', key flight_id"))
		}
	}
	format, bad := d.format("json", "avro", "protobuf", "json_schema")
	if bad != nil {
		errs = append(errs, bad)
	} else {
		s.reg = d.registered(format, &errs)
	}
	conn, byName := d.given["connection"]
	_, direct := d.given["brokers"]
	switch {
	case byName && direct:
		fail(d.decl.At(conn.At).Errorf(code.ContradictingOptions, "connection and brokers exclude each other").
			WithHint("remove one of them"))
	case !byName && !direct:
		fail(d.decl.At(d.at).Errorf(code.MissingOption, "INTO KAFKA needs connection or brokers").
			WithHint("add brokers 'host:9092', or connection name"))
	}
	if o, ok := d.given["topic"]; !ok {
		fail(d.decl.At(d.at).Errorf(code.MissingOption, "INTO KAFKA needs a topic").WithHint("add topic 'name'"))
	} else if n := names(o); n != nil {
		s.topic = n[0].Text
	}
	s.key, s.headers = names(d.given["key"]), names(d.given["headers"])
	if n := names(d.given["timestamp"]); n != nil {
		s.time = n[0]
	}
	if o, ok := d.given["mode"]; ok {
		if s.mode = strings.ToLower(o.Text); s.mode != "append" && s.mode != "upsert" {
			fail(d.decl.At(o.Value).Errorf(code.BadChoice, "%s is no mode", o.Text).
				WithHint("write mode append or mode upsert"))
		}
	}
	if err := errs.Err(); err != nil {
		return nil, err
	}
	return s, nil
}

// Upserts: see kind.Upserter.
func (s *kafka) Upserts() bool { return s.upsert }

// Bind finds the key's column and the connection. The brokers are not asked: a check needs none.
func (s *kafka) Bind(_ context.Context, _ *duck.Conn, env *kind.Env, cols []duck.Column, keys []string) error {
	var errs sql.List
	add := func(err error) {
		var e *sql.Error
		if errors.As(err, &e) {
			errs = append(errs, e)
		}
	}
	for _, n := range s.key {
		_, err := s.column(n, "key by", cols)
		add(err)
	}
	for _, n := range s.headers {
		_, err := s.column(n, "make a header of", cols)
		add(err)
	}
	if s.time.Text != "" {
		c, err := s.column(s.time, "take the time of", cols)
		if id := c.Type.ID(); err == nil && (id < duck.TypeDate || id > duck.TypeTimestampTZ || id == duck.TypeTime) {
			err = s.decl.At(s.time.Span).Errorf(code.NoTime, "%s.%s is %s, and no time", s.Input().Text, c.Name, c.Type).
				WithHint("make a TIMESTAMP of it in the stream")
		}
		add(err)
	}
	byKey := len(keys) > 0 && len(keys) == len(s.key) && !slices.ContainsFunc(keys, func(key string) bool {
		return !slices.ContainsFunc(s.key, func(n sql.Name) bool { return strings.EqualFold(n.Text, key) })
	})
	if s.upsert = byKey && s.mode != "append"; s.mode == "upsert" && !byKey {
		o, hint := s.given["mode"], "write mode append, or leave mode out"
		switch {
		case len(keys) == 1:
			hint = "add key " + keys[0]
		case len(keys) > 1:
			hint = "add key (" + strings.Join(keys, ", ") + ")"
		}
		add(s.decl.At(o.At).Errorf(code.NoUpsert, "upsert needs a journal or a rollup, and its keys").WithHint(hint))
	}
	_, err := s.connection(env)
	if add(err); s.reg != nil && len(errs) == 0 {
		add(s.bindSchemas(env, cols))
	}
	return errs.Err()
}

// from is the first column of a record's value: in an upsert change_type is no part of it.
func (s *kafka) from(cols []duck.Column) int {
	if s.upsert && cols[0].Name == "change_type" { // else each row comes once
		return 1
	}
	return 0
}

func (s *kafka) connection(env *kind.Env) (*connect.Connection, error) {
	if o, ok := s.given["brokers"]; ok {
		return connect.Brokers(s.decl.Src, o), nil
	}
	return connect.Find(env, s.decl.Src, names(s.given["connection"])[0])
}

// Explain is what EXPLAIN SINK shows.
func (s *kafka) Explain(cols []duck.Column) string {
	key := "none"
	if len(s.key) > 0 {
		var found []string
		for _, n := range s.key {
			c, _ := s.column(n, "key by", cols)
			found = append(found, c.Name)
		}
		key = strings.Join(found, ", ")
	}
	as, more := "JSON", ""
	if s.reg != nil {
		as = s.given["format"].Text
		if more = s.explained(cols); more != "" {
			more = "     " + strings.ReplaceAll(strings.TrimSpace(more), "\n", "\n     ") + "\n"
		}
	}
	value := "the row as " + as + ": " + strings.Join(duck.ColumnNames(cols), ", ")
	if s.upsert {
		value = "the row as it is then as " + as + ": " + strings.Join(duck.ColumnNames(cols[s.from(cols):]), ", ") + "; null when it is gone"
	}
	var in string
	for _, n := range s.headers {
		more += fmt.Sprintf("     header %s\n", n.Text)
	}
	if s.time.Text != "" {
		more += fmt.Sprintf("     time   %s\n", s.time.Text)
	}
	if s.transactional {
		in = ", in one transaction that notes the version"
	}
	return fmt.Sprintf("1. each row of each version of %s, once it is committed, as a record of the topic %s\n     key    %s\n     value  "+
		"%s\n     header %s = <file>/%s/%s/<version>/<row>\n%s2. all acknowledged by all replicas in sync%s\n3. the place in dsql.places: a "+
		"transaction of its own\n",
		s.Input().Text, s.topic, key, value, IDHeader, s.Input().Text, s.decl.Name, more, in)
}
