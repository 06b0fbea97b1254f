package ingest

import (
	"encoding/json"
	"strconv"
	"strings"

	"dsql/engine/duck"
)

// connectSchema is a schema of Kafka Connect, as its JsonConverter writes it beside each payload.
type connectSchema struct {
	Type       string            `json:"type"`
	Name       string            `json:"name"` // what the type means: io.debezium.time.Date
	Field      string            `json:"field"`
	Fields     []connectSchema   `json:"fields"` // of a struct
	Items      *connectSchema    `json:"items"`
	Keys       *connectSchema    `json:"keys"`
	Values     *connectSchema    `json:"values"`
	Parameters map[string]string `json:"parameters"`
}

// parseConnect gives nil where the text is no such schema.
func parseConnect(text []byte) *connectSchema {
	s := &connectSchema{}
	if json.Unmarshal(text, s) != nil {
		return nil
	}
	return s
}

// field is a part of a struct, nil without one of that name.
func (s *connectSchema) field(name string) *connectSchema {
	if s == nil {
		return nil
	}
	for i := range s.Fields {
		if s.Fields[i].Field == name {
			return &s.Fields[i]
		}
	}
	for i := range s.Fields {
		if strings.EqualFold(s.Fields[i].Field, name) {
			return &s.Fields[i]
		}
	}
	return nil
}

func (s *connectSchema) parameter(name string, usual int) int {
	if n, err := strconv.Atoi(s.Parameters[name]); err == nil && n >= 0 {
		return n
	}
	return usual
}

// temporals are the types of Debezium and of Kafka Connect whose values are numbers that count.
var temporals = map[string]schemaType{
	"io.debezium.time.Date":                   {kind: kindInt, logical: logicalDate},
	"org.apache.kafka.connect.data.Date":      {kind: kindInt, logical: logicalDate},
	"io.debezium.time.Time":                   {kind: kindInt, logical: logicalTime, scale: 3},
	"org.apache.kafka.connect.data.Time":      {kind: kindInt, logical: logicalTime, scale: 3},
	"io.debezium.time.MicroTime":              {kind: kindLong, logical: logicalTime, scale: 6},
	"io.debezium.time.NanoTime":               {kind: kindLong, logical: logicalTime, scale: 9},
	"io.debezium.time.Timestamp":              {kind: kindLong, logical: logicalTimestamp, scale: 3},
	"org.apache.kafka.connect.data.Timestamp": {kind: kindLong, logical: logicalTimestamp, scale: 3},
	"io.debezium.time.MicroTimestamp":         {kind: kindLong, logical: logicalTimestamp, scale: 6},
	"io.debezium.time.NanoTimestamp":          {kind: kindLong, logical: logicalTimestamp, scale: 9},
}

const (
	connectDecimal  = "org.apache.kafka.connect.data.Decimal"
	variableDecimal = "io.debezium.data.VariableScaleDecimal"
)

// wire is what values of the type need to be understood; nil: nothing.
func (s *connectSchema) wire() *wire {
	if s == nil {
		return nil
	}
	if t, ok := temporals[s.Name]; ok {
		return &wire{wireNumber, &t}
	}
	switch s.Name {
	case connectDecimal:
		return &wire{wireBase64, &schemaType{kind: kindBytes, logical: logicalDecimal, precision: s.parameter("connect.decimal.precision", 38),
			scale: s.parameter("scale", 0)}}
	case variableDecimal:
		return &wire{form: wireVariable}
	case "io.debezium.data.Bits":
		return &wire{wireBits, wholeBytes}
	case "io.debezium.data.Json":
		return &wire{form: wireJSON}
	case "io.debezium.time.IsoDate":
		return &wire{form: wireISODate}
	}
	if s.Type == "bytes" {
		return &wire{wireBase64, plainBytes}
	}
	return nil
}

// set gives a column, and the parts of a nested one, what the schema says of them; without one what its FORMAT says.
func (s *connectSchema) set(c *column) {
	if c.wire = c.format; s.wire() != nil {
		c.wire = s.wire()
	}
	part := func(of *connectSchema, i int) {
		if i < len(c.children) {
			of.set(c.children[i])
		}
	}
	var keys, values, items *connectSchema
	if s != nil {
		keys, values, items = s.Keys, s.Values, s.Items
	}
	switch c.id {
	case duck.TypeStruct:
		for _, ch := range c.children {
			s.field(ch.node.Name).set(ch)
		}
	case duck.TypeList:
		part(items, 0)
	case duck.TypeMap:
		part(keys, 0)
		part(values, 1)
	}
}

// bind does so for all columns that a slot leads to.
func (s *connectSchema) bind(to *slot) {
	if to.col != nil {
		s.set(to.col)
		for _, c := range to.more {
			s.set(c)
		}
	}
	if to.obj != nil {
		for name, i := range to.obj.byName {
			s.field(name).bind(to.obj.slots[i])
		}
	}
}

// duckdb is the type that takes the values; "" where JSON says more.
func (s *connectSchema) duckdb() string {
	left := 1
	switch x := s.wire(); {
	case s.Name == variableDecimal:
		return "DOUBLE"
	case x != nil && x.form == wireJSON:
		return "JSON"
	case x != nil && x.form == wireISODate:
		return "DATE"
	case x != nil && x.form == wireBits:
		return "BLOB"
	case x != nil:
		return x.t.duckdb(nil, &left)
	}
	switch s.Name {
	case "io.debezium.time.ZonedTimestamp":
		return "TIMESTAMP"
	case "io.debezium.data.Uuid":
		return "UUID"
	}
	return map[string]string{"boolean": "BOOLEAN", "int8": "TINYINT", "int16": "SMALLINT", "int32": "INTEGER", "int64": "BIGINT",
		"float": "FLOAT", "float32": "FLOAT", "double": "DOUBLE", "float64": "DOUBLE", "string": "VARCHAR"}[s.Type]
}

// connectTypes gives columns the types that the schema of a Debezium event has for them.
func connectTypes(text []byte, cols []duck.Column) {
	s := &jsonScanner{b: text}
	s.ws()
	e := event{}
	if !scanEvent(s, &e) || e.schema == 0 || e.payload == 0 {
		return
	}
	row := parseConnect(text[e.schema:e.schemaEnd]).field("after")
	for i, c := range cols {
		if f := row.field(c.Name); f != nil && f.duckdb() != "" {
			cols[i].Type = f.duckdb()
		}
	}
}
