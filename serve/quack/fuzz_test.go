package quack_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"

	"dsql/engine/duck"
	"dsql/internal/quackclient"
	"dsql/serve/quack"
	"dsql/serve/quack/wire"
	"dsql/sql"
	"dsql/sql/code"
)

// host is a server around nothing: every token is good but "bad", and nothing is refused but what says so.
type host struct{ db *duck.DB }

func (h host) Admit(token string) error {
	if token == "bad" {
		return sql.Errorf(code.NoToken, "there is no such token")
	}
	return nil
}
func (h host) Work(_ context.Context, f func() error) error { return f() }
func (h host) Open(ctx context.Context) (*duck.Conn, func(), error) {
	c, err := h.db.Reader(ctx)
	return c, func() { _ = c.Close() }, err
}
func (h host) Check(_ context.Context, _ *duck.Conn, src *sql.Source) error {
	if !strings.HasPrefix(src.Text, "SELECT ") || strings.ContainsAny(src.Text, "(;") {
		return sql.Errorf(code.RefusedSQL, "no")
	}
	return nil
}
func (h host) Version(context.Context, *duck.Conn) (int64, error)     { return 1, nil }
func (h host) Kept(context.Context, string) []byte                    { return nil }
func (h host) Keep(context.Context, *duck.Conn, string, []byte, bool) {}
func (h host) Stamp(int64)                                            {}
func (h host) Tell(_ context.Context, err error) *sql.Error {
	var e *sql.Error
	if errors.As(err, &e) {
		return e
	}
	return sql.Errorf(code.Failed, "%s", err)
}

// Whatever is sent, the answer is a message, of a length that what was sent accounts for, and nothing is left open.
func FuzzMessages(f *testing.F) {
	db, err := duck.Open(f.Context(), "", duck.Options{Threads: 1})
	if err != nil {
		f.Fatal(err)
	}
	defer db.Close()
	hex := strings.Repeat("0", 32)
	text := func(n uint16, s string) func(*wire.Writer) {
		return func(w *wire.Writer) { w.Field(n); w.Text(s) }
	}
	for _, m := range []quackclient.Message{quackclient.Connect("good", 1, 1), quackclient.Connect("bad", 1, 3),
		{Kind: 3, Session: hex, Body: text(1, "SELECT 1")},
		{Kind: 3, Session: hex, Body: text(1, "SELECT [1, 2] AS l, 'x' AS s UNION ALL SELECT NULL, NULL")},
		{Kind: 3, Session: hex, Body: text(1, "BEGIN")},
		{Kind: 7, Session: hex, Body: func(w *wire.Writer) { w.Field(1); w.Huge(wire.Huge{Upper: -1, Lower: 1 << 63}) }}, {Kind: 9, Session: hex},
		{Kind: 11, Session: hex}, {Kind: 12, Session: hex}, {Kind: 100, Body: text(1, "no")}} {
		f.Add(m.Bytes())
	}
	f.Add([]byte("\x01\x00\x03\x02\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"))
	f.Fuzz(func(t *testing.T, b []byte) {
		s := quack.New(quack.Default, func(f func()) { f() })
		var w wire.Writer
		send := func(b []byte) *quackclient.Answer {
			s.Answer(t.Context(), host{db}, &w, b)()
			a, err := quackclient.Decode(w.B)
			if err != nil {
				t.Fatalf("%q: the answer %q is none: %v", b, w.B, err)
			}
			return a
		}
		id := send(quackclient.Connect("good", 1, 1).Bytes()).Session
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		send([]byte(strings.ReplaceAll(string(b), hex, id)))
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; took > 4<<20+64*uint64(len(b)) {
			t.Errorf("%q: %d bytes were taken", b, took)
		}
		send(quackclient.Message{Kind: 11, Session: id}.Bytes())
		if seats, _ := s.Open(); seats > 0 {
			t.Errorf("%q: something is open", b)
		}
	})
}
