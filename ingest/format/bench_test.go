package format

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"time"

	"dsql/ingest/batch"
	"dsql/ingest/format/csv"
	"dsql/ingest/format/formattest"
	"dsql/ingest/format/json"
)

// Decoding alone: no DuckDB. ns/record is what a record costs on one core.
func benchmarkDecode(b *testing.B, fields []batch.Field, d batch.Dialect, data []byte, records int) {
	l, err := batch.NewLanding(formattest.Memory(b), "bench", fields, d, batch.Limits{})
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		f, err := l.Open(bytes.NewReader(data), batch.Pos{}, batch.FileInfo{Path: "bench"})
		if err != nil {
			b.Fatal(err)
		}
		buf, _ := l.Take(context.Background())
		if more, err := buf.Fill(context.Background(), f); more || err != nil || buf.Records() != records || buf.Bad() != 0 {
			b.Fatal(more, err, buf.Records(), buf.Input().BadCount)
		}
		buf.Release()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(records), "ns/record")
}

var orderFields = []batch.Field{{Name: "id", Type: "BIGINT"}, {Name: "customer", Type: "BIGINT"}, {Name: "email", Type: "VARCHAR"},
	{Name: "amount", Type: "DOUBLE"}, {Name: "price", Type: "DECIMAL(10,2)"},
	{Name: "qty", Type: "INTEGER"}, {Name: "paid", Type: "BOOLEAN"}, {Name: "day", Type: "DATE"}, {Name: "created_at", Type: "TIMESTAMP"}}

func ordersCSV(n int) []byte {
	var b bytes.Buffer
	b.WriteString("id,customer,email,amount,price,qty,paid,day,created_at\n")
	t0 := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range n {
		fmt.Fprintf(&b, "%d,%d,customer%d@example.com,%.3f,%.2f,%d,%v,%s,%s\n", i, i*7919%50000, i%50000, float64(i*37%100003)/7,
			float64(i*31%99991)/100, i%9+1, i%3 == 0,
			t0.AddDate(0, 0, i%365).Format("2006-01-02"), t0.Add(time.Duration(i)*time.Second).Format("2006-01-02 15:04:05"))
	}
	return b.Bytes()
}

func BenchmarkCSV(b *testing.B) {
	benchmarkDecode(b, orderFields, batch.Dialect{Format: &csv.Format}, ordersCSV(100_000), 100_000)
}

func BenchmarkJSON(b *testing.B) {
	fields := []batch.Field{{Name: "id", Type: "VARCHAR"}, {Name: "customer_id", Type: "BIGINT"}, {Name: "email", Type: "VARCHAR"},
		{Name: "amount", Type: "DOUBLE"}, {Name: "status", Type: "VARCHAR"},
		{Name: "ts", Type: "TIMESTAMP"}, {Name: "address", Type: "STRUCT(city VARCHAR, zip VARCHAR)"}}
	var data bytes.Buffer
	const n = 100_000
	for i := range n {
		fmt.Fprintf(&data, `{"id":"evt_%09d","customer_id":%d,"email":"Customer%d@Example.COM","amount":%.2f,"status":"%s","ts":"%s",`+
			`"address":{"street":"%d Main Street","city":"%s","zip":"%05d","country":"US"},"note":"order placed"}`+"\n",
			i, i%50000, i%50000, float64(i%50000)/100, []string{"paid", "pending", "refunded"}[i%3],
			time.UnixMilli(1767225600000+int64(i)*100).UTC().Format("2006-01-02T15:04:05.000Z"), i%9999,
			[]string{"Springfield", "Portland", "Kyoto"}[i%3], i%99999)
	}
	benchmarkDecode(b, fields, batch.Dialect{Format: &json.Format}, data.Bytes(), n)
}

// Every record is bad: decoding, the reason, and what of it can be saved.
func BenchmarkCSVAllBad(b *testing.B) {
	data := bytes.ReplaceAll(ordersCSV(100_000), []byte("@example.com,"), []byte("@example.com,x"))
	l, err := batch.NewLanding(formattest.Memory(b), "bench", orderFields, batch.Dialect{Format: &csv.Format}, batch.Limits{})
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		f, err := l.Open(bytes.NewReader(data), batch.Pos{}, batch.FileInfo{Path: "bench"})
		if err != nil {
			b.Fatal(err)
		}
		buf, _ := l.Take(context.Background())
		if more, err := buf.Fill(context.Background(), f); more || err != nil || buf.Bad() != 100_000 {
			b.Fatal(more, err, buf.Bad())
		}
		buf.Release()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/100_000, "ns/record")
}
