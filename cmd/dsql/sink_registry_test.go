package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sr/srfake"
)

// theRegistry is one that may be away, or refuse what is to be registered.
type theRegistry struct {
	*srfake.Registry
	url     string
	away    atomic.Bool
	refuses atomic.Bool
	mu      sync.Mutex
	asked   map[string]int // how often, by method and path
}

func newRegistry(t *testing.T) *theRegistry {
	t.Helper()
	r := &theRegistry{Registry: srfake.New(), asked: map[string]int{}}
	t.Cleanup(r.Close)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		r.mu.Lock()
		r.asked[q.Method+" "+q.URL.Path]++
		r.mu.Unlock()
		switch {
		case r.away.Load():
			http.Error(w, `{"error_code":50301,"message":"starting"}`, http.StatusServiceUnavailable)
			return
		case r.refuses.Load() && q.Method == http.MethodPost:
			w.WriteHeader(http.StatusConflict)
			io.WriteString(w, `{"error_code":409,"message":"Schema being registered is incompatible with an earlier schema for subject `+
				`\"x\", details: [{errorType:\"READER_FIELD_MISSING_DEFAULT_VALUE\"}]"}`)
			return
		}
		to, err := http.NewRequestWithContext(q.Context(), q.Method, r.URL()+q.URL.RequestURI(), q.Body)
		if err == nil {
			to.Header = q.Header
			var res *http.Response
			if res, err = http.DefaultClient.Do(to); err == nil {
				defer res.Body.Close()
				w.Header().Set("Content-Type", res.Header.Get("Content-Type"))
				w.WriteHeader(res.StatusCode)
				io.Copy(w, res.Body)
				return
			}
		}
		http.Error(w, err.Error(), http.StatusBadGateway)
	}))
	t.Cleanup(proxy.Close)
	r.url = proxy.URL
	return r
}

func (r *theRegistry) count(what string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.asked[what]
}

// write makes a file in the script's folder.
func (k *kafka) write(name, text string) {
	k.t.Helper()
	path := filepath.Join(k.dir, name)
	k.must(os.MkdirAll(filepath.Dir(path), 0o755))
	k.must(os.WriteFile(path, []byte(text), 0o644))
}

// What a journal's sink has written with a schema is read back by a source: upserts and tombstones, keys, headers, times, in transactions or
// not. The schemas are registered once a run, under the names of the strategy.
func TestSinkFormats(t *testing.T) {
	for _, format := range []string{"avro", "protobuf", "json_schema"} {
		for _, transactional := range []string{"true", "false"} {
			t.Run(format+"/"+transactional, func(t *testing.T) {
				k := newKafka(t, 2, false)
				reg := newRegistry(t)
				k.write("in/1.csv", "part,id,price,seen,gone\n"+"a,1,2.5,2026-01-01 00:00:00,\n"+"b,2,,2026-01-02 10:00:00.5,\n")
				k.write("in/2.csv", "part,id,price,seen,gone\n"+"a,1,3.25,2026-01-03 00:00:00,\n"+"b,2,,2026-01-04 00:00:00,true\n")
				const in = "CREATE CONNECTION c TO KAFKA (brokers '{brokers}', schema_registry '"
				k.script(in + reg.url + "');\n" + `
CREATE SOURCE f (part VARCHAR, id BIGINT, price DECIMAL(9,2), seen TIMESTAMP, gone BOOLEAN) FROM FILES ('in/*.csv');
CREATE JOURNAL prices KEYS (part, id) SEQUENCE BY seen DELETE WHEN gone COLUMNS (price, seen) FROM f;
CREATE SINK out INTO KAFKA (connection c, topic '{topic}', key (part, id), headers (price), timestamp seen, transactional ` + transactional + `,
  format ` + format + `, record 'shop.Price', subject_strategy topic_record_name) FROM prices;`)
				k.runs()
				k.runs()
				for _, subject := range []string{k.topic + "-shop.Price", k.topic + "-key"} {
					if n := reg.count("POST /subjects/" + subject + "/versions"); n != 1 {
						t.Errorf("%s was registered %d times", subject, n)
					}
				}
				k.args = []string{"--db", "back.duckdb"}
				read := strings.TrimSuffix(format, "_schema")
				k.script(in + reg.url + "');\n" + `
CREATE SOURCE back (part VARCHAR FROM KEY '$.part', id BIGINT FROM KEY '$.id', price DECIMAL(9,2), key_too BIGINT FROM '$.id')
  FROM KAFKA (connection c, topic '{topic}', format ` + read + `);
CREATE STREAM b AS SELECT *, _meta.tombstone AS gone, _meta."timestamp" AS sent, dsql.header(_meta, 'price') AS header,
  split_part(dsql.header(_meta, 'dsql-id'), '/', 4)::INTEGER AS v FROM back;`)
				k.runs()
				k.is("SELECT part, id, price, key_too, gone, sent, header FROM b ORDER BY v, part", `a|1|2.50|1|false|2026-01-01 00:00:00|2.5
b|2|NULL|2|false|2026-01-02 10:00:00.5|NULL
a|1|3.25|1|false|2026-01-03 00:00:00|3.25
b|2|NULL|NULL|true|2026-01-02 10:00:00.5|NULL`)
				k.is("SELECT count(*) FROM dsql.rejects", "0")
			})
		}
	}
}

// Keys of one column are their value alone, and texts where the sink says so; a NULL is no key. Changes of a journal come with change_type.
func TestSinkFormatKeys(t *testing.T) {
	for format, want := range map[string]string{"avro": "\x00\x00\x00\x00\x02\x0e", "protobuf": "\x00\x00\x00\x00\x02\x00\x08\x07",
		"json_schema": "\x00\x00\x00\x00\x027"} {
		t.Run(format, func(t *testing.T) {
			k := newKafka(t, 1, false)
			reg := newRegistry(t)
			k.create(k.topic+".text", 1)
			k.write("in.csv", "id,n\n7,1\n,2\n")
			k.script("CREATE CONNECTION c TO KAFKA (brokers '{brokers}', schema_registry '" + reg.url + "');\n" + `
CREATE SOURCE f (id BIGINT, n INTEGER) FROM FILES ('in.csv');
CREATE STREAM s FROM f;
CREATE SINK x INTO KAFKA (connection c, topic '{topic}', key id, format ` + format + `) FROM s;
CREATE SINK y INTO KAFKA (connection c, topic '{topic}.text', key id, format ` + format + `, key_format text) FROM s;`)
			k.runs()
			var id, lone []string
			for _, r := range k.sent(k.topic)[0] {
				id = append(id, string(r.Key))
			}
			for _, r := range k.sent(k.topic + ".text")[0] {
				lone = append(lone, string(r.Key))
			}
			if len(id) != 2 || id[0] != want || id[1] != "" || lone[0] != "7" || lone[1] != "" {
				t.Errorf("%q, want %q; %q", id, want, lone)
			}
		})
	}
}

const registrySink = `CREATE CONNECTION c TO KAFKA (brokers '{brokers}', schema_registry '{registry}');
CREATE SOURCE f (id BIGINT, x DOUBLE, l INTEGER[]) FROM FILES ('in/*.jsonl', format json);
CREATE STREAM s FROM f;
CREATE SINK out INTO KAFKA (connection c, topic '{topic}', key id, {options}) ON ROW ERROR REJECT FROM s;
`

func (k *kafka) sinkScript(reg *theRegistry, options, more string) {
	k.t.Helper()
	k.script(strings.NewReplacer("{registry}", reg.url, "{options}", options).Replace(registrySink) + more)
}

// A schema that the registry refuses stops the sink with what the registry says: all else is done, and the next run goes on from there. With
// `register false` nothing is registered.
func TestSinkSchemaRefused(t *testing.T) {
	k := newKafka(t, 1, false)
	reg := newRegistry(t)
	k.write("in/1.jsonl", `{"id":1,"x":0.5,"l":[1]}`+"\n")
	k.sinkScript(reg, "format avro, register false", "")
	k.fails(1, "error: the registry has no such schema of s under the subject "+k.topic+"-value, and register is false")
	k.sinkScript(reg, "format avro", "")
	reg.refuses.Store(true)
	k.fails(1, "error: the schema of s is not compatible with those of the subject "+k.topic+"-value: Schema being registered is "+
		"incompatible with an earlier schema for subject \"x\", details: [{errorType:\"READER_FIELD_MISSING_DEFAULT_VALUE\"}] [schema-refused]")
	if !strings.Contains(k.lastErrOutput, "PUT /config/"+k.topic+"-value") {
		t.Error(k.lastErrOutput)
	}
	k.is("SELECT count(*) FROM s", "1")
	reg.refuses.Store(false)
	k.runs()
	k.write("in/2.jsonl", `{"id":2,"x":0.5,"l":[]}`+"\n")
	k.sinkScript(reg, "format avro, register false", "")
	k.runs()
	if got := k.sent(k.topic)[0]; len(got) != 2 || string(got[1].Value) != "\x00\x00\x00\x00\x01\x02\x04\x02\x00\x00\x00\x00\x00\x00\xe0\x3f\x02\x00" {
		t.Errorf("%q", got[len(got)-1].Value)
	}
}

// A row with a value that the format can't hold is a reject; a replay writes it once the sink is of a format that can.
func TestSinkFormatRowErrors(t *testing.T) {
	for _, transactional := range []string{"true", "false"} {
		t.Run(transactional, func(t *testing.T) {
			k := newKafka(t, 1, false)
			reg := newRegistry(t)
			k.write("in/1.jsonl", `{"id":1,"x":0.5,"l":[1]}`+"\n"+`{"id":2,"l":[1,null]}`+"\n"+`{"id":3,"x":1}`+"\n")
			k.sinkScript(reg, "format protobuf, transactional "+transactional, "")
			k.runs()
			k.is("SELECT regexp_replace(reason, '[0-9a-f]{16}/', ''), data FROM dsql.rejects WHERE destination = 'out'", "sink: the record "+
				"s/out/1/2 has a value in l that protobuf can't hold: a list with NULL in it, which "+
				`Protobuf doesn't know|{"id":2,"x":null,"l":[1,null]}`)
			if got := ids(k.sentAs(k.topic, true)[0]); got != "out/1/1 out/1/3" {
				t.Error(got)
			}
			k.sinkScript(reg, "format avro, subject_strategy record_name, key_format text", "REPLAY REJECTS FROM out;")
			k.runs()
			if got := ids(k.sentAs(k.topic, true)[0]); got != "out/1/1 out/1/3 out/1/2" {
				t.Error(got)
			}
			k.is("SELECT count(*) FROM dsql.rejects WHERE destination = 'out' AND replayed_at IS NULL", "0")
			k.sinkScript(reg, "format protobuf", "") // a topic of two kinds, read by their own schemas
		})
	}
}

func ids(all []*kgo.Record) string {
	var out []string
	for _, r := range all {
		out = append(out, id(r))
	}
	return strings.Join(out, " ")
}

// A registry that is away when a sink begins is waited for while a run follows; sources and other sinks go on. Without --follow the run ends
// with exit code 4, and the next one writes all.
func TestSinkWaitsForRegistry(t *testing.T) {
	k := newKafka(t, 1, false)
	reg := newRegistry(t)
	k.create(k.topic+".in", 1)
	k.create(k.topic+".json", 1)
	k.script(`CREATE CONNECTION c TO KAFKA (brokers '{brokers}', schema_registry '` + reg.url + `');
CREATE SOURCE f (id BIGINT) FROM KAFKA (connection c, topic '{topic}.in', batch_time '10ms');
CREATE STREAM s FROM f;
CREATE SINK waits INTO KAFKA (connection c, topic '{topic}', format avro) FROM s;
CREATE SINK goes INTO KAFKA (connection c, topic '{topic}.json') FROM s;`)
	put := func(v string) { k.record(&kgo.Record{Topic: k.topic + ".in", Value: []byte(v)}) }
	reg.away.Store(true)
	put(`{"id":1}`)
	k.fails(4, "error: the schema registry answers ")
	f := k.follow()
	put(`{"id":2}`)
	f.sees("registry-unreachable", 1)
	f.sees(`"sink":"goes"`, 1)
	put(`{"id":3}`)
	f.sees(`"sink":"goes"`, 2)
	reg.away.Store(false)
	f.sees(`"sink":"waits"`, 1)
	if code := f.ends(syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d\n%s", code, f.said())
	}
	if n := strings.Count(f.said(), `"code":"registry-unreachable"`); n != 1 {
		t.Errorf("it was told %d times\n%s", n, f.said())
	}
	k.runs()
	for _, topic := range []string{k.topic, k.topic + ".json"} {
		if got := k.sent(topic)[0]; len(got) != 3 {
			t.Errorf("%s has %d records", topic, len(got))
		}
	}
}

// A column more: Protobuf's fields keep their numbers, and records of before are read by their own schema.
func TestSinkSchemaGrows(t *testing.T) {
	for _, format := range []string{"avro", "protobuf", "json_schema"} {
		t.Run(format, func(t *testing.T) {
			k := newKafka(t, 1, false)
			reg := newRegistry(t)
			connection := "CREATE CONNECTION c TO KAFKA (brokers '{brokers}', schema_registry '" + reg.url + "');\n"
			script := func(cols string) {
				k.script(connection + "CREATE SOURCE f (" + cols + ") FROM FILES ('in/*.jsonl', format json);\nCREATE STREAM s FROM f;\n" +
					"CREATE SINK out INTO KAFKA (connection c, topic '{topic}', format " + format + ") FROM s;")
			}
			k.write("in/1.jsonl", `{"id":1,"x":0.5}`+"\n")
			script("id BIGINT, x DOUBLE")
			k.runs()
			k.write("in/2.jsonl", `{"id":2,"x":1.5,"more":"m"}`+"\n")
			script("more VARCHAR, id BIGINT, x DOUBLE")
			k.runs()
			k.args = []string{"--db", "back.duckdb"}
			k.script(connection + "CREATE SOURCE b (id BIGINT, x DOUBLE, more VARCHAR) FROM KAFKA (connection c, topic '{topic}', format " +
				strings.TrimSuffix(format, "_schema") + ");\nCREATE STREAM back FROM b;")
			k.runs()
			k.is("SELECT id, x, more FROM back ORDER BY id", "1|0.5|NULL\n2|1.5|m")
		})
	}
}

// Columns that are cast for the schema, in keys too, version after version of one run, beside a time.
func TestSinkSchemaCasts(t *testing.T) {
	for _, format := range []string{"avro", "protobuf"} {
		t.Run(format, func(t *testing.T) {
			k := newKafka(t, 1, false)
			reg := newRegistry(t)
			connection := "CREATE CONNECTION c TO KAFKA (brokers '{brokers}', schema_registry '" + reg.url + "');\n"
			k.write("in/1.jsonl", `{"u":"550e8400-e29b-41d4-a716-446655440000","d":"2026-01-01","m":{"1":"x"},"i":"1 day"}`+"\n")
			k.write("in/2.jsonl", `{"u":"550e8400-e29b-41d4-a716-446655440001","d":"2026-01-02","m":{"2":"y"},"i":"2 days"}`+"\n")
			k.script(connection + `CREATE SOURCE f (u UUID, d DATE, m MAP(VARCHAR, VARCHAR), i VARCHAR) FROM FILES ('in/*.jsonl', format json);
CREATE STREAM s AS SELECT u, d, i::INTERVAL AS i, [u] AS l, d AS seen, map_from_entries([(1, m)]) AS n FROM f;
CREATE SINK out INTO KAFKA (connection c, topic '{topic}', key (u, d), timestamp seen, format ` + format + ") FROM s;")
			k.runs()
			k.args = []string{"--db", "back.duckdb"}
			k.script(connection + `CREATE SOURCE b (ku UUID FROM KEY '$.u', kd DATE FROM KEY '$.d', u UUID, d DATE, i VARCHAR, l UUID[], n JSON)
  FROM KAFKA (connection c, topic '{topic}', format ` + format + ");\nCREATE STREAM back AS SELECT *, _meta.\"timestamp\" AS sent FROM b;")
			k.runs()
			want := `…0|2026-01-01|…0|2026-01-01|1 day|[…0]|{"1":{"1":"x"}}|2026-01-01 00:00:00
…1|2026-01-02|…1|2026-01-02|2 days|[…1]|{"1":{"2":"y"}}|2026-01-02 00:00:00`
			if format == "protobuf" {
				want = strings.NewReplacer(`{"1":{"1":"x"}}`, `{"1":{"items":{"1":"x"}}}`, `{"1":{"2":"y"}}`, `{"1":{"items":{"2":"y"}}}`).Replace(want)
			}
			k.is("SELECT * EXCLUDE (_version) FROM back ORDER BY d", strings.ReplaceAll(want, "…", "550e8400-e29b-41d4-a716-44665544000"))
		})
	}
}
