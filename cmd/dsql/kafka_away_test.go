package main

import (
	"syscall"
	"testing"
	"time"
)

// A run that waits for the brokers of its source and its sinks ends soon after it is asked to. What they didn't take comes again.
func TestKafkaStopsWhileAllIsAway(t *testing.T) {
	k := newKafka(t, 1, true)
	k.create(k.topic+".out", 1)
	k.create(k.topic+".dead", 1)
	k.script(`
CREATE SOURCE files_in (id BIGINT) FROM FILES ('in/*.csv');
CREATE SOURCE ev (id BIGINT) FROM KAFKA (brokers '{brokers}', topic '{topic}', reject_topic '{topic}.dead');
CREATE STREAM s FROM ev, files_in;
CREATE SINK a INTO KAFKA (brokers '{brokers}', topic '{topic}.out') FROM s;
CREATE SINK b INTO KAFKA (brokers '{brokers}', topic '{topic}.out', transactional true) FROM s;
`)
	put(t, k.dir+"/in/1.csv", "id\n1\n")
	k.put(`{"id":2}`, "bad")
	f := k.follow()
	f.sees(`"sink":"b","version":2`, 1)
	k.fake.Close()
	put(t, k.dir+"/in/2.csv", "id\n3\n")
	f.sees(`"event":"version"`, 3) // it is sent to nobody
	began := time.Now()
	if code := f.ends(syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d\n%s", code, f.said())
	}
	if took := time.Since(began); took > 15*time.Second { // one, where the machine does nothing else
		t.Errorf("it took %s", took)
	}
	k.is("SELECT count(*) FROM s", "3")
}
