package watermark

import (
	"testing"
	"time"

	"dsql/engine/catalog"
	"dsql/engine/duck"
	"dsql/engine/kind"
)

// Each step gives rows or none, and the watermark that follows.
func TestMove(t *testing.T) {
	t.Parallel()
	a, b := kind.Part{Source: "s", Topic: "t"}, kind.Part{Source: "s", Topic: "t", Partition: 1}
	began := time.Unix(1_000_000, 0)
	type step struct {
		after time.Duration
		of    kind.Part
		time  int64
		want  int64
	}
	for name, x := range map[string]struct {
		o     Options
		aEnds bool
		steps []step
	}{
		"the least of both": {Options{Idle: time.Minute}, true, []step{{0, a, 10, None}, {0, b, 5, 5}, {0, b, 20, 10}, {0, a, 7, 10}}},
		"one is idle": {Options{Idle: time.Minute}, true,
			[]step{{0, a, 10, None}, {time.Minute, b, 5, 5}, {time.Minute, b, 30, 30}, {0, a, 20, 30}}},
		"idle, but not at its end": {Options{Idle: time.Minute}, false, []step{{0, a, 10, None}, {time.Hour, b, 30, 10}}},
		"all are idle":             {Options{Idle: time.Minute}, true, []step{{0, a, 10, None}, {0, b, 5, 5}, {time.Hour, kind.Part{}, 0, 5}}},
		"all are closed": {Options{Idle: time.Minute, CloseIdle: time.Hour}, true, []step{{0, a, 10, None}, {0, b, 5, 5},
			{time.Minute, kind.Part{}, 0, 5}, {time.Hour, kind.Part{}, 0, 10}, {0, b, 6, 10}}},
	} {
		c := &Clock{Options: x.o, Watermark: None, UpTo: None}
		now := began
		c.Expect(a, x.aEnds, now)
		c.Expect(b, true, now)
		for i, s := range x.steps {
			if now = now.Add(s.after); s.of != (kind.Part{}) {
				c.Take(s.of, s.time, now)
			}
			if c.Move(now); c.Watermark != s.want {
				t.Errorf("%s: behind step %d the watermark is %d, and should be %d", name, i+1, c.Watermark, s.want)
			}
		}
	}
}

func TestPartsTakeThePlaceOfTheirSource(t *testing.T) {
	t.Parallel()
	now := time.Unix(0, 0)
	c := &Clock{Watermark: None, UpTo: None}
	c.Expect(kind.Part{Source: "s"}, false, now)
	c.Expect(kind.Part{Source: "s", Topic: "t", Partition: 3}, false, now)
	if len(c.Marks) != 1 || c.Marks[0].Topic != "t" || len(c.gone) != 1 {
		t.Errorf("marks %v, gone %v", c.Marks, c.gone)
	}
}

// What moves thousands of times keeps the newest of its rows, and begins again where it was; what others have stays.
func TestClosedIsBounded(t *testing.T) {
	t.Parallel()
	db, err := duck.Open(t.Context(), "", duck.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	c, ctx := db.Writer(), t.Context()
	if err := catalog.Migrate(ctx, c); err != nil {
		t.Fatal(err)
	}
	if err := c.Run(ctx, duck.SQL(`INSERT INTO dsql.closed SELECT d, 's', v, make_timestamp(v * 10), make_timestamp(v * 10 - 5)
		FROM range(1, {n} + 1) r(v), (VALUES ('a'), ('b')) t(d)`, duck.Args{"n": 2*kept - 1})); err != nil {
		t.Fatal(err)
	}
	part := kind.Part{Source: "s"}
	for i := range int64(3) {
		if err := c.Update(ctx, func(tx *duck.Tx) error {
			clock, err := Load(ctx, tx.Conn, "a", "s", Options{})
			if err != nil {
				return err
			}
			if want := 10 * (2*kept - 1 + i); clock.Watermark != want || clock.UpTo != want-5 {
				t.Errorf("before step %d it was at %d, %d", i, clock.Watermark, clock.UpTo)
			}
			clock.Take(part, 10*(2*kept+i), time.Unix(0, 0))
			clock.Move(time.Unix(0, 0))
			clock.UpTo = clock.Watermark - 5
			return clock.Save(ctx, tx, 2*kept+i)
		}); err != nil {
			t.Fatal(err)
		}
	}
	var rows, first, others int64
	if _, err := c.Scan(ctx, duck.SQL(`SELECT count(*) FILTER (destination = 'a'), min(version) FILTER (destination = 'a'),
		count(*) FILTER (destination = 'b') FROM dsql.closed`), &rows, &first, &others); err != nil {
		t.Fatal(err)
	}
	if rows != kept+1 || first != kept+2 || others != 2*kept-1 {
		t.Errorf("%d rows from version %d on, and %d of another", rows, first, others)
	}
}
