package debezium

import (
	"encoding/json"
	"strconv"
	"strings"

	"dsql/engine/duck"
	"dsql/ingest/convert"
	"dsql/ingest/schema"
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
var temporals = map[string]schema.Type{
	"io.debezium.time.Date":                   {Kind: schema.KindInt, Logical: schema.LogicalDate},
	"org.apache.kafka.connect.data.Date":      {Kind: schema.KindInt, Logical: schema.LogicalDate},
	"io.debezium.time.Time":                   {Kind: schema.KindInt, Logical: schema.LogicalTime, Scale: 3},
	"org.apache.kafka.connect.data.Time":      {Kind: schema.KindInt, Logical: schema.LogicalTime, Scale: 3},
	"io.debezium.time.MicroTime":              {Kind: schema.KindLong, Logical: schema.LogicalTime, Scale: 6},
	"io.debezium.time.NanoTime":               {Kind: schema.KindLong, Logical: schema.LogicalTime, Scale: 9},
	"io.debezium.time.Timestamp":              {Kind: schema.KindLong, Logical: schema.LogicalTimestamp, Scale: 3},
	"org.apache.kafka.connect.data.Timestamp": {Kind: schema.KindLong, Logical: schema.LogicalTimestamp, Scale: 3},
	"io.debezium.time.MicroTimestamp":         {Kind: schema.KindLong, Logical: schema.LogicalTimestamp, Scale: 6},
	"io.debezium.time.NanoTimestamp":          {Kind: schema.KindLong, Logical: schema.LogicalTimestamp, Scale: 9},
}

const (
	connectDecimal  = "org.apache.kafka.connect.data.Decimal"
	variableDecimal = "io.debezium.data.VariableScaleDecimal"
)

// wire is what values of the type need to be understood; nil: nothing.
func (s *connectSchema) wire() *schema.Wire {
	if s == nil {
		return nil
	}
	if t, ok := temporals[s.Name]; ok {
		return &schema.Wire{Form: schema.WireNumber, Type: &t}
	}
	switch s.Name {
	case connectDecimal:
		return &schema.Wire{Form: schema.WireBase64,
			Type: &schema.Type{Kind: schema.KindBytes, Logical: schema.LogicalDecimal, Precision: s.parameter("connect.decimal.precision", 38),
				Scale: s.parameter("scale", 0)}}
	case variableDecimal:
		return &schema.Wire{Form: schema.WireVariable}
	case "io.debezium.data.Bits":
		return &schema.Wire{Form: schema.WireBits, Type: schema.WholeBytes}
	case "io.debezium.data.Json":
		return &schema.Wire{Form: schema.WireJSON}
	case "io.debezium.time.IsoDate":
		return &schema.Wire{Form: schema.WireISODate}
	}
	if s.Type == "bytes" {
		return &schema.Wire{Form: schema.WireBase64, Type: schema.PlainBytes}
	}
	return nil
}

// set gives a column, and the parts of a nested one, what the schema says of them; without one what its FORMAT says.
func (s *connectSchema) set(c *convert.Column) {
	if c.Wire = c.Format; s.wire() != nil {
		c.Wire = s.wire()
	}
	part := func(of *connectSchema, i int) {
		if i < len(c.Children) {
			of.set(c.Children[i])
		}
	}
	var keys, values, items *connectSchema
	if s != nil {
		keys, values, items = s.Keys, s.Values, s.Items
	}
	switch c.ID {
	case duck.TypeStruct:
		for _, ch := range c.Children {
			s.field(ch.Node.Name).set(ch)
		}
	case duck.TypeList:
		part(items, 0)
	case duck.TypeMap:
		part(keys, 0)
		part(values, 1)
	}
}

// bind does so for all columns that a slot leads to.
func (s *connectSchema) bind(to *convert.Slot) {
	if to.Col != nil {
		s.set(to.Col)
		for _, c := range to.More {
			s.set(c)
		}
	}
	if to.Obj != nil {
		for name, i := range to.Obj.ByName {
			s.field(name).bind(to.Obj.Slots[i])
		}
	}
}

// maxParts is how many types a field may be made of before JSON is made of the rest.
const maxParts = 2000

// duckdb is the type that takes the values; "" where JSON says more.
func (s *connectSchema) duckdb() duck.Type {
	left := maxParts
	return s.typed(&left)
}

func (s *connectSchema) typed(left *int) duck.Type {
	if *left--; s == nil || *left < 0 {
		return ""
	}
	one := 1
	switch x := s.wire(); {
	case s.Name == variableDecimal:
		return "DOUBLE"
	case x != nil && x.Form == schema.WireJSON:
		return "JSON"
	case x != nil && x.Form == schema.WireISODate:
		return "DATE"
	case x != nil && x.Form == schema.WireBits:
		return "BLOB"
	case x != nil:
		return x.Type.Duckdb(nil, &one)
	}
	switch s.Name {
	case "io.debezium.time.ZonedTimestamp", "io.debezium.time.IsoTimestamp":
		return "TIMESTAMP"
	case "io.debezium.time.ZonedTime", "io.debezium.time.IsoTime":
		return "TIME"
	case "io.debezium.data.Uuid":
		return "UUID"
	}
	switch s.Type {
	case "array":
		if of := s.Items.typed(left); of != "" {
			return duck.ListOf(of)
		}
	case "map": // JSON has those of other keys as lists of pairs
		if of := s.Values.typed(left); of != "" && s.Keys != nil && s.Keys.Type == "string" {
			return "MAP(VARCHAR, " + of + ")"
		}
	case "struct":
		parts := make([]duck.Column, len(s.Fields))
		for i := range s.Fields {
			parts[i] = duck.Column{Name: s.Fields[i].Field, Type: s.Fields[i].typed(left)}
			if parts[i].Type == "" {
				return ""
			}
		}
		if len(parts) > 0 {
			return duck.StructOf(parts)
		}
	}
	return map[string]duck.Type{"boolean": "BOOLEAN", "int8": "TINYINT", "int16": "SMALLINT", "int32": "INTEGER", "int64": "BIGINT",
		"float": "FLOAT", "float32": "FLOAT", "double": "DOUBLE", "float64": "DOUBLE", "string": "VARCHAR"}[s.Type]
}
