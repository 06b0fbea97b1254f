package debezium

import (
	"dsql/ingest/batch"
	"dsql/ingest/format/json"
)

// Format is Debezium's JSON.
var Format = batch.Format{
	Name: "debezium", Doc: "its JSON; Avro and Protobuf with a schema registry", Offsets: true, KeyBelow: "payload", Registry: true,
	Values: func(l *batch.Landing) (batch.ValueDecoder, error) {
		if t := l.Dialect.Topics; t != nil && t.Values != nil {
			return newRegistered(l, t.Values), nil
		}
		return newDecoder(l), nil
	},
	Object: func(value []byte) []byte {
		if text := json.Line(value); text != nil {
			return Row(text)
		}
		return nil
	},
}
