package journal

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"dsql/engine/duck"
	"dsql/engine/kind"
)

// remembers checks that rows and name__mem together tell each accepted event, once.
func (b *bench) remembers(s *shape, m *model) {
	b.t.Helper()
	if m.current || len(m.truncates) > 0 { // which are deletes of some keys
		return
	}
	n := 0
	for _, l := range m.accepted {
		n += len(l)
	}
	d, _, err := b.j.stored(b.t.Context(), &duck.Tx{Conn: b.c})
	if err != nil {
		b.t.Fatal(err)
	}
	l := b.j.layout(d)
	a := l.words.With(duck.Args{"raw": duck.SQL("")})
	if l.Raw {
		a["raw"] = duck.SQL("WHERE _raw = 1")
	}
	q := duck.SQL(`WITH r AS (SELECT * FROM {now} WHERE _v_to = 0 UNION ALL BY NAME SELECT * FROM {past} WHERE _v_to = 0),
		m AS (FROM {mem} WHERE _v_to = 0 AND _kind IN ('N', 'E', 'D')),
		e AS (SELECT {keys}, {from} FROM r {raw} UNION ALL SELECT {keys}, {seq} FROM m
			UNION ALL SELECT {h.keys}, {h.to} FROM r h ANTI JOIN r n ON {all h.keys = n.keys} AND {all h.to = n.from}
				ANTI JOIN (FROM m WHERE _kind = 'D') d ON {all h.keys = d.keys} AND {all h.to = d.seq} WHERE h.{to1} IS NOT NULL)
		SELECT count(*), count(DISTINCT e) FROM e`, a)
	b.equal(q.String(), []string{fmt.Sprintf("%d|%d", n, n)})
}

// history compares j_history.
func (b *bench) history(s *shape, want []version) {
	b.t.Helper()
	b.equal("SELECT * FROM j_history", s.lines(want))
}

// at compares what is read back at a version.
func (b *bench) at(s *shape, v int64, want []version) {
	b.t.Helper()
	b.equal(fmt.Sprintf("SELECT * FROM j_history_at(%d)", v), s.lines(want))
	b.bitemporal(v)
	var state []string
	for _, x := range want {
		if x.to == nil {
			state = append(state, strings.Join(slices.Concat([]string{x.key}, x.row, s.point(x.from)), "|"))
		}
	}
	b.equal(fmt.Sprintf("SELECT * FROM j_at(%d)", v), state)
	if v == b.version {
		b.equal("SELECT * FROM j", state)
	}
}

// between compares the changes and the difference of two versions, both ways round.
func (b *bench) between(s *shape, oldest int64, histories [][]version) {
	b.t.Helper()
	lo := oldest + s.Int64N(b.version-oldest+1)
	hi := lo + s.Int64N(b.version-lo+1)
	var want []string
	for v := lo + 1; v <= hi; v++ {
		want = append(want, changes(open(histories[v-1]), open(histories[v]), v)...)
	}
	b.equal(fmt.Sprintf("SELECT * FROM j_changes(%d, %d)", lo, hi), want)
	b.equal(fmt.Sprintf("SELECT * FROM j_diff(%d, %d)", lo, hi), changes(open(histories[lo]), open(histories[hi]), hi))
	b.equal(fmt.Sprintf("SELECT * FROM j_diff(%d, %d)", hi, lo), changes(open(histories[hi]), open(histories[lo]), lo))
}

// asOf compares the state at times.
func (b *bench) asOf(s *shape, history []version) {
	b.t.Helper()
	if s.m.current {
		return
	}
	for _, at := range []int{1, 3, s.span} {
		var want []string
		for _, x := range history {
			if x.from[0] <= at && (x.to == nil || x.to[0] > at) {
				want = append(want, strings.Join(slices.Concat([]string{x.key}, x.row, s.point(x.from)), "|"))
			}
		}
		b.equal(fmt.Sprintf("SELECT * FROM j_as_of('%s'::%s)", s.first(at), s.ofSeq), want)
	}
}

func (b *bench) rollback(s *shape, to int64, histories [][]version) {
	b.t.Helper()
	got, err := b.step(func(ctx context.Context, tx *duck.Tx, v int64) (kind.Counts, error) {
		return b.j.Rollback(ctx, tx, to, v)
	})
	if err != nil {
		b.t.Fatal(err)
	}
	b.counted(got, 0, nil, histories[b.version-1], histories[to])
}

func (b *bench) vacuum(oldest int64) {
	b.t.Helper()
	ctx := b.t.Context()
	if err := b.c.Update(ctx, func(tx *duck.Tx) error { _, err := b.j.Vacuum(ctx, tx, oldest); return err }); err != nil {
		b.t.Fatal(err)
	}
}

// rebuilds computes the journal anew from what it remembers, which changes nothing.
func (b *bench) rebuilds(s *shape, history []version) {
	b.t.Helper()
	if !s.chance(.3) {
		return
	}
	got, err := b.step(b.j.Rebuild)
	if err != nil {
		b.t.Fatal(err)
	}
	v := b.version
	if got != (kind.Counts{}) {
		b.t.Errorf("a rebuild changed %+v", got)
	}
	b.history(s, history)
	if s.redeclared { // what is remembered from other clauses may be written anew, once
		return
	}
	if n := b.count(fmt.Sprintf("SELECT count(*) FROM (SELECT _v_from, _v_to FROM j__now UNION ALL SELECT _v_from, _v_to FROM "+
		"j__past UNION ALL SELECT _v_from, _v_to FROM j__mem) WHERE _v_from = %d OR _v_to = %d", v, v)); n != "0" {
		b.t.Errorf("a rebuild wrote %s rows", n)
	}
}

// rejected compares the reject codes of the last version.
func (b *bench) rejected(want map[string]int) {
	b.t.Helper()
	var lines []string
	for code, n := range want {
		lines = append(lines, fmt.Sprintf("%s|%d", code, n))
	}
	b.equal(fmt.Sprintf("SELECT split_part(reason, ':', 1), count(*) FROM dsql.rejects WHERE version = %d GROUP BY 1", b.version), lines)
}

// counted compares a version's counts with what it did to the state.
func (b *bench) counted(got kind.Counts, rows int, rejected map[string]int, before, after []version) {
	b.t.Helper()
	var want kind.Counts
	for _, n := range rejected {
		want.Rejected += int64(n)
	}
	want.Written = int64(rows) - want.Rejected
	for _, c := range changes(open(before), open(after), 0) {
		switch kind, _, _ := strings.Cut(c, "|"); kind {
		case "insert":
			want.Added++
		case "delete":
			want.Removed++
		case "update_after":
			want.Changed++
		}
	}
	if want.Unchanged = got.Unchanged; got.Unchanged < 0 || got.Unchanged > got.Written {
		want.Unchanged = -1
	}
	same := func(v version) string { return fmt.Sprint(v) }
	if rows > 0 && slices.EqualFunc(before, after, func(a, b version) bool { return same(a) == same(b) }) {
		want.Unchanged = want.Written
	}
	if got != want {
		b.t.Errorf("version %d: counts %+v, want %+v", b.version, got, want)
	}
}

// equal compares a query's rows with lines.
func (b *bench) equal(query string, want []string) {
	b.t.Helper()
	got := b.rows(query)
	slices.Sort(want)
	if slices.Equal(got, want) {
		return
	}
	missing := slices.DeleteFunc(slices.Clone(want), func(r string) bool { return slices.Contains(got, r) })
	extra := slices.DeleteFunc(slices.Clone(got), func(r string) bool { return slices.Contains(want, r) })
	b.t.Errorf("%s\nversion %d: %d rows, want %d\nmissing: %.800v\nextra: %.800v", query, b.version, len(got), len(want), missing, extra)
}
