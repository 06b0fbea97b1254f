package run

import (
	"fmt"
	"testing"

	"dsql/pipeline/event"
)

// Following keeps to the order too: what is read whole comes first each time that sources are looked at.
func TestFollowReadsWholeFirst(t *testing.T) {
	t.Parallel()
	f := newField(t)
	next := func(n int) { // the dimension's file is there before the fact's
		f.write(fmt.Sprintf("in/r%d.csv", n), fmt.Sprintf("id,w,t\n%d,a,1\n", n))
		f.write(fmt.Sprintf("in/s%d.csv", n), fmt.Sprintf("id\n%d\n", n))
	}
	next(1)
	stop := make(chan struct{})
	taken := 0
	o := f.options(wholeSources + "CREATE STREAM st RULES (CONSTRAINT k EXPECT (id IN (SELECT h.id FROM j_history h))) FROM s;\n" +
		wholeJournal)
	o.Follow, o.Stop = true, stop
	o.Events = func(e event.Event) {
		drain(e)
		b, ok := e.(event.BatchCommitted)
		if !ok {
			return
		}
		for _, d := range b.Rows {
			if d.Name != "st" {
				continue
			}
			if taken++; taken < 3 {
				next(taken + 1)
			} else {
				close(stop)
			}
		}
	}
	if err := Run(t.Context(), o); err != nil {
		t.Fatal(render(err))
	}
	f.is("SELECT string_agg(id, ',' ORDER BY id) FROM st", "1,2,3")
}
