package format

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/sr"
	"github.com/twmb/franz-go/pkg/sr/srfake"

	"dsql/ingest/batch"
	"dsql/ingest/format/avro"
	"dsql/ingest/format/formattest"
	"dsql/ingest/format/proto"
	"dsql/ingest/registry"
	"dsql/ingest/schema"
	"dsql/sql"
	"dsql/sql/code"
)

func TestRegistrySchemas(t *testing.T) {
	t.Parallel()
	reg := srfake.New()
	t.Cleanup(reg.Close)
	reg.SeedSchema("geo", 1, 1, sr.Schema{Type: sr.TypeAvro,
		Schema: `{"type":"record","name":"geo.Point","fields":[{"name":"lat","type":"double"}]}`})
	reg.SeedSchema("address", 1, 2,
		sr.Schema{Type: sr.TypeAvro,
			Schema:     `{"type":"record","name":"Address","fields":[{"name":"city","type":"string"},{"name":"at","type":"geo.Point"}]}`,
			References: []sr.SchemaReference{{Name: "geo.Point", Subject: "geo", Version: 1}}})
	reg.SeedSchema("orders-value", 1, 3,
		sr.Schema{Type: sr.TypeAvro,
			Schema: `{"type":"record","name":"Order","fields":[{"name":"id","type":"int"},{"name":"address","type":["null","Address"]},` +
				`{"name":"home","type":"geo.Point"}]}`,
			References: []sr.SchemaReference{{Name: "Address", Subject: "address", Version: 1}, {Name: "geo.Point", Subject: "geo", Version: 1}}})
	reg.SeedSchema("proto", 1, 4, sr.Schema{Type: sr.TypeProtobuf, Schema: `syntax = "proto3"; message M { int32 a = 1; }`})
	client, err := sr.NewClient(sr.URLs(reg.URL()))
	if err != nil {
		t.Fatal(err)
	}
	value := append(append([]byte{2, 2}, formattest.Varint(4)...), "Oslo\x00\x00\x00\x00\x00\x00\xf0\x3f\x00\x00\x00\x00\x00\x00\x00\x40"...)
	fields := []batch.Field{{Name: "id", Type: "INTEGER"}, {Name: "city", Type: "VARCHAR", Path: []string{"address", "city"}},
		{Name: "lat", Type: "DOUBLE", Path: []string{"address", "at", "lat"}}, {Name: "home", Type: "STRUCT(lat DOUBLE)"}}
	got := formattest.LandSchema(t, formattest.Memory(t), &avro.Format, fields, registry.Schemas(client, ""), formattest.Framed(3, value),
		formattest.Framed(7, value), formattest.Framed(4, value))
	if diff := cmp.Diff([]string{"1|Oslo|1.0|{'lat': 2.0}"}, got.Rows); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"bad_record: unknown schema id 7", "bad_record: schema id 4 is of PROTOBUF, not of AVRO"},
		got.Reasons); diff != "" {
		t.Error(diff)
	}
}

// A file of Protocol Buffers finds what it imports among the schema's references, and what Google's and Confluent's libraries bring along.
func TestRegistryProtobuf(t *testing.T) {
	t.Parallel()
	reg := srfake.New()
	t.Cleanup(reg.Close)
	reg.SeedSchema("geo", 1, 1, sr.Schema{Type: sr.TypeProtobuf, Schema: `syntax = "proto3"; package geo; message Point { double lat = 1; }`})
	reg.SeedSchema("address", 1, 2,
		sr.Schema{Type: sr.TypeProtobuf, Schema: `syntax = "proto3"; import "geo.proto"; message Address { string city = 1; geo.Point at = 2; }`,
			References: []sr.SchemaReference{{Name: "geo.proto", Subject: "geo", Version: 1}}})
	reg.SeedSchema("orders-value", 1, 3, sr.Schema{Type: sr.TypeProtobuf, Schema: `syntax = "proto3"; import "shared/address.proto"; ` +
		`import "confluent/meta.proto"; import "google/protobuf/timestamp.proto";
		message Order { int32 id = 1 [(confluent.field_meta).doc = "which"]; Address address = 2; ` +
		`google.protobuf.Timestamp at = 3; }`, References: []sr.SchemaReference{{Name: "shared/address.proto", Subject: "address", Version: 1}}})
	reg.SeedSchema("broken", 1, 4,
		sr.Schema{Type: sr.TypeProtobuf, Schema: `syntax = "proto3"; import "nowhere.proto"; message M { int32 a = 1; }`})
	reg.SeedSchema("avro", 1, 5, sr.Schema{Type: sr.TypeAvro, Schema: `"int"`})
	reg.SeedSchema("typo", 1, 6, sr.Schema{Type: sr.TypeProtobuf, Schema: `syntax = "proto3"; message M { itn32 a = 1; }`})
	client, err := sr.NewClient(sr.URLs(reg.URL()))
	if err != nil {
		t.Fatal(err)
	}
	value := "\x00\x08\x01\x12\x11\x0a\x04Oslo\x12\x09\x09\x00\x00\x00\x00\x00\x00\xf0\x3f\x1a\x02\x08\x01"
	fields := []batch.Field{{Name: "id", Type: "INTEGER"}, {Name: "city", Type: "VARCHAR", Path: []string{"address", "city"}},
		{Name: "lat", Type: "DOUBLE", Path: []string{"address", "at", "lat"}}, {Name: "at", Type: "TIMESTAMP"}}
	got := formattest.LandSchema(t, formattest.Memory(t), &proto.Format, fields, registry.Schemas(client, ""),
		formattest.Framed(3, []byte(value)), formattest.Framed(4, []byte(value)), formattest.Framed(5, []byte(value)),
		formattest.Framed(6, []byte(value)), formattest.Framed(7, []byte(value)), []byte("{}"))
	if diff := cmp.Diff([]string{"1|Oslo|1.0|1970-01-01 00:00:01"}, got.Rows); diff != "" {
		t.Error(diff)
	}
	want := []string{`bad_record: schema id 4: the schema:1:27: could not resolve path "nowhere.proto": file does not exist`,
		"bad_record: schema id 5 is of AVRO, not of PROTOBUF", "bad_record: schema id 6: the schema:1:32: field M.a: unknown type itn32",
		"bad_record: unknown schema id 7", "bad_record: no Protobuf with a schema id: 2 bytes"}
	if diff := cmp.Diff(want, got.Reasons); diff != "" {
		t.Error(diff)
	}
}

// A registry that gives no answer is an error of the run, not a bad record.
func TestRegistryErrors(t *testing.T) {
	t.Parallel()
	locked := srfake.New(srfake.WithAuth("Basic eDp5"))
	t.Cleanup(locked.Close)
	broken := srfake.New()
	t.Cleanup(broken.Close)
	broken.Intercept(func(w http.ResponseWriter, _ *http.Request) bool {
		http.Error(w, `{"error_code": 50001, "message": "the store is gone"}`, http.StatusInternalServerError)
		return true
	})
	gone := srfake.New()
	gone.Close()
	for _, k := range []struct {
		url       string
		code      code.Code
		msg, hint string
	}{
		{locked.URL(), code.RegistryRefuses, "with 401", "schema_registry_username"},
		{broken.URL(), code.RegistryUnreachable, "with 500: the store is gone", "log"},
		{broken.URL() + "/x\x00", code.RegistryUnreachable, "can't be reached", "schema_registry"},
		{gone.URL(), code.RegistryUnreachable, "can't be reached: ", "schema_registry"},
	} {
		client, err := sr.NewClient(sr.URLs(k.url))
		if err != nil {
			t.Fatal(err)
		}
		_, err = registry.Schemas(client, "")(context.Background(), schema.Name{ID: 1})
		var e *sql.Error
		if !errors.As(err, &e) || e.Code != k.code || !strings.Contains(e.Msg, k.msg) || !strings.Contains(e.Hint, k.hint) ||
			e.ExitCode() != code.ExitUnreachable {
			t.Errorf("%s: %#v", k.url, err)
		}
		stopped, cancel := context.WithCancel(context.Background())
		cancel()
		if _, err := registry.Schemas(client, "")(stopped, schema.Name{ID: 1}); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v, want that it was cancelled", k.url, err)
		}
	}
}
