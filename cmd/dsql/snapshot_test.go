package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// The copy's folder goes away while a run follows: rows are taken in all the same, and the copy comes when the folder is back.
func TestSnapshotFolderGoes(t *testing.T) {
	k := newKafka(t, 1, true)
	k.script(strings.Replace(eventsScript, "'{topic}')", "'{topic}', batch_time '10ms')", 1))
	copies := filepath.Join(k.dir, "copies")
	k.must(os.Mkdir(copies, 0o755))
	k.put(`{"id":1}`)
	f := k.follow("--snapshot", "copies/c.duckdb", "--snapshot-every", "1ms")
	f.sees(`"event":"waiting"`, 1)
	k.must(os.Rename(copies, copies+".gone")) // at once: while its files are taken away one by one a copy may come between
	k.put(`{"id":2}`)
	f.sees("no-snapshot", 1)
	k.put(`{"id":3}`)
	f.sees(`"event":"version"`, 3)
	k.must(os.Mkdir(copies, 0o755))
	k.put(`{"id":4}`)
	f.sees(`"event":"version"`, 4)
	if code := f.ends(syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d\n%s", code, f.said())
	}
	if n := strings.Count(f.said(), `"code":"no-snapshot"`); n != 1 {
		t.Errorf("it was told %d times\n%s", n, f.said())
	}
	k.args = []string{"--db", "copies/c.duckdb"}
	k.is("SELECT count(*) FROM s", "4")
	if out, _ := k.dsql("status", "--output", "csv"); !strings.Contains(out, ",dsql.s.ev") { // the group of the file that it is a copy of
		t.Error(out)
	}
}

// Each version is in the log of a run that follows, with the time; when there is nothing it says that it waits.
func TestFollowLog(t *testing.T) {
	k := newKafka(t, 1, true)
	k.script(strings.Replace(eventsScript, "'{topic}')", "'{topic}', batch_rows 1)", 1))
	k.events(0, 5, 1)
	f := k.start("run", "s.sql", "--follow")
	f.sees("waiting for what comes; version 5 was committed last", 1)
	k.put(`{"id":6}`)
	f.sees("version 6", 1)
	f.ends(syscall.SIGTERM)
	said := f.said()
	stamp := regexp.MustCompile(`^20\d\d-\d\d-\d\d \d\d:\d\d:\d\d INFO  `)
	for _, line := range strings.Split(strings.TrimSpace(said), "\n") {
		if strings.Contains(line, "ersion") && !stamp.MatchString(line) && !strings.Contains(line, "stopping") {
			t.Errorf("no time or level: %s", line)
		}
	}
	if !strings.Contains(said, "version 1: ") || !strings.Contains(said, "versions 2–5: 4 records, s 4") {
		t.Error(said)
	}
	k.script("CREATE SOURCE ev (id BIGINT) FROM KAFKA (brokers '{brokers}', topic 'nowhere');\nCREATE STREAM s FROM ev;")
	k.run("--events", "jsonl", "--db", "other.duckdb")
	lines := strings.Split(strings.TrimSpace(k.lastErrOutput), "\n")
	if last := lines[len(lines)-1]; !strings.HasPrefix(last, `{"event":"finished"`) || !strings.Contains(last, `,"time":"20`) {
		t.Error(k.lastErrOutput)
	}
}
