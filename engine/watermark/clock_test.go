package watermark

import (
	"testing"
	"time"

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
