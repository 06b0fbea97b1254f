package run

import (
	"context"
	"fmt"
	"testing"
	"time"

	"dsql/engine/duck"
	"dsql/pipeline/event"
	"dsql/pipeline/look"
	"dsql/pipeline/program"
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

// At its end a run waits for what is on its way, however slow it was; and closes its connection behind it.
func TestErrandsEnd(t *testing.T) {
	t.Parallel()
	db, err := duck.Open(t.Context(), "", duck.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	stop := make(chan struct{})
	close(stop)
	r := &runner{Viewer: look.Viewer{Options: program.Options{Follow: true, Stop: stop}}}
	n := &program.Node{}
	for range 30 {
		if e := r.start(t.Context(), func(context.Context) error { return nil }); !r.wait(n, e, time.Time{}, false) {
			t.Fatal("it wasn't waited for")
		}
	}
	line, err := db.Reader(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r.Options.Stop, r.Program = nil, &program.Program{Nodes: []*program.Node{n}}
	e := r.start(t.Context(), func(ctx context.Context) error {
		<-ctx.Done()
		_, err := line.Int(context.WithoutCancel(ctx), duck.SQL("SELECT 1"))
		return err
	})
	r.lines, r.posts = map[*program.Node]*duck.Conn{n: line}, map[*program.Node]*post{n: {under: &sending{errand: e}}}
	if err := r.closeOutlets(); err != nil || e.err != nil {
		t.Error(err, e.err)
	}
}
