package run

import (
	"strings"
	"testing"

	"dsql/pipeline/event"
)

// While a run follows, a row that waits comes when the partitions that it waits for are idle, though no row comes any more.
func TestFollowReleasesWhatWaits(t *testing.T) {
	t.Parallel()
	f := newField(t)
	f.write("a/1.csv", "id,ts\n1,2025-01-01 10:00\n")
	f.write("b/1.csv", "id,ts\n2,2025-01-01 12:00\n")
	const script = `CREATE SOURCE a_in (id INTEGER, ts TIMESTAMP) FROM FILES ('a/*.csv');
CREATE SOURCE b_in (id INTEGER, ts TIMESTAMP) FROM FILES ('b/*.csv');
CREATE SOURCE silent_in (id INTEGER, ts TIMESTAMP) FROM FILES ('silent/*.csv');
CREATE STREAM a FROM a_in;
CREATE STREAM b FROM b_in, silent_in;
CREATE STREAM m WATERMARK (IDLE) AS SELECT a.id, b.id AS other
  FROM STREAM a LEFT JOIN STREAM b ON a.id = b.id AND b.ts BETWEEN a.ts AND a.ts + INTERVAL 1 HOUR;
CREATE STREAM behind AS SELECT id, other IS NULL AS alone FROM STREAM m;
`
	f.run(strings.Replace(script, "IDLE", "idle '1 hour'", 1))
	f.is("SELECT count(*) || ' ' || (SELECT count(*) FROM m__waiting_left) FROM m", "0 1")
	stop, stopped := make(chan struct{}), false
	o := f.options(strings.Replace(script, "IDLE", "idle '0s', close_idle '1us'", 1))
	o.Follow, o.Stop = true, stop
	o.Events = func(e event.Event) {
		drain(e)
		b, ok := e.(event.BatchCommitted)
		if !ok || stopped {
			return
		}
		for _, d := range b.Rows {
			if d.Name == "behind" && d.Written > 0 {
				stopped = true
				close(stop)
			}
		}
	}
	if err := Run(t.Context(), o); err != nil {
		t.Fatal(render(err))
	}
	f.is("SELECT string_agg(v.origin || ' ' || id || ' ' || alone, ',') FROM behind JOIN m USING (id) JOIN dsql.version_rows v "+
		"ON v.name = 'm' AND v.version = m._version", "idle 1 true")
}
