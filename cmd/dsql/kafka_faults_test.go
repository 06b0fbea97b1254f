package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Killed with SIGKILL, or failing, at every fault point of a batch from a topic: the next run goes on, nothing is missing, nothing twice.
func TestKafkaCrashes(t *testing.T) {
	k := newKafka(t, 2, false)
	script := strings.Replace(eventsScript, "'{topic}')", "'{topic}', batch_rows 40)", 1) +
		"CREATE JOURNAL j KEYS (id) SEQUENCE BY o COLUMNS (v) AS SELECT id, v, _meta.offset AS o FROM ev;\n"
	k.script(script)
	k.events(0, 100, 2)
	k.put("bad")
	log := filepath.Join(k.dir, "points.log")
	k.env, k.args = []string{"DSQL_FAULT_LOG=" + log}, []string{"--db", "whole.duckdb"}
	k.runs()
	text, err := os.ReadFile(log)
	k.must(err)
	want := k.all("SELECT id, v, p, o FROM s ORDER BY ALL")
	points := strings.Fields(string(text))
	slices.Sort(points)
	points = slices.Compact(points)
	if len(points) < 5 {
		t.Fatalf("only the points %v", points)
	}
	for _, action := range []string{"kill", "error"} {
		for _, point := range points {
			passes := 2
			if action == "error" || testing.Short() {
				passes = 1
			}
			for pass := 1; pass <= passes; pass++ {
				k.args = []string{"--db", fmt.Sprintf("%s-%s-%d.duckdb", action, point, pass)}
				k.env = []string{fmt.Sprintf("DSQL_FAULT=%s:%s:%d", action, point, pass)}
				k.run()
				k.env = nil
				k.runs()
				k.is("SELECT id, v, p, o FROM s ORDER BY ALL", want)
				k.is("SELECT count(*) FROM j", "100")
				k.is("SELECT count(*) FROM dsql.rejects", "1")
			}
		}
	}
}

// A gate that closes: nothing of the batch is there, and neither the file's nor the group's places have moved.
func TestKafkaGate(t *testing.T) {
	k := newKafka(t, 1, false)
	k.script(strings.Replace(eventsScript, "STREAM s AS", "STREAM s CHECKS (CHECK few EXPECT (count(*) < 5)) AS", 1))
	k.events(0, 3, 1)
	k.runs()
	k.events(3, 10, 1)
	k.fails(3, "few")
	k.is("SELECT count(*) FROM s", "3")
	k.is("SELECT next_offset FROM dsql.offsets", "3")
	if got := k.committed("dsql.s.ev"); got != "0:3" {
		t.Errorf("the group is at %s", got)
	}
}

// committed are the offsets that a group has committed.
func (k *kafka) committed(group string) string {
	k.t.Helper()
	offsets, err := k.adm.FetchOffsetsForTopics(k.ctx(), group, k.topic)
	k.must(err)
	var out []string
	offsets.Each(func(o kadm.OffsetResponse) { out = append(out, fmt.Sprintf("%d:%d", o.Partition, o.At)) })
	slices.Sort(out)
	return strings.Join(out, " ")
}

// The lag that `dsql status` shows is that of the group, as other tools compute it. Reading takes no part in a group: there are no
// rebalances.
func TestKafkaLag(t *testing.T) {
	k := newKafka(t, 2, false)
	k.script(eventsScript)
	k.events(0, 10, 2)
	k.runs()
	k.events(10, 7, 2)
	lags, err := k.adm.Lag(k.ctx(), "dsql.s.ev")
	k.must(err)
	var want []string
	for _, l := range lags["dsql.s.ev"].Lag.Sorted() {
		if l.Topic != k.topic {
			continue // other tests have the same group
		}
		want = append(want, fmt.Sprintf("ev,s,%s,%d,%d,%d,%d,0,dsql.s.ev", k.topic, l.Partition, l.Commit.At, l.End.Offset, l.Lag))
	}
	if state := lags["dsql.s.ev"].State; state != "Empty" || len(want) != 2 {
		t.Errorf("the group is %s; lags %v", state, want)
	}
	out, code := k.dsql("status", "--db", "s.duckdb", "--output", "csv")
	if code != 0 || !strings.Contains(out, strings.Join(want, "\n")) {
		t.Errorf("exit code %d\n%s\nwant\n%s", code, out, strings.Join(want, "\n"))
	}
}

// A topic of the same name that was created anew is another topic.
func TestKafkaRecreatedTopic(t *testing.T) {
	for _, loss := range []string{"fail", "earliest", "latest"} {
		t.Run(loss, func(t *testing.T) {
			k := newKafka(t, 1, false)
			k.script(strings.Replace(eventsScript, "'{topic}')", "'{topic}', on_offset_loss "+loss+")", 1))
			k.events(0, 5, 1)
			k.runs()
			k.recreate(1)
			k.events(100, 8, 1)
			if loss == "fail" {
				k.fails(1, "deleted and created again")
				k.is("SELECT count(*) FROM s", "5")
				k.is("SELECT count(*) FROM dsql.gaps", "0")
				return
			}
			k.runs()
			k.is("SELECT count(*), count(DISTINCT id) FROM s", map[string]string{"earliest": "13|13", "latest": "5|5"}[loss])
			k.is("SELECT partition, from_offset, to_offset, reason FROM dsql.gaps", "0|5|NULL|the topic was deleted and created again")
			k.events(200, 1, 1)
			k.runs()
			k.is("SELECT max(id) FROM s", "200")
			k.is("SELECT count(*) FROM dsql.gaps", "1")
		})
	}
}

func (k *kafka) recreate(partitions int32) {
	k.t.Helper()
	_, err := k.adm.DeleteTopic(k.ctx(), k.topic)
	k.must(err)
	var anew kadm.CreateTopicResponse
	for { // a real broker deletes in the background
		if anew, err = k.adm.CreateTopic(k.ctx(), partitions, 1, nil, k.topic); err == nil {
			break
		}
		if !strings.Contains(err.Error(), "TOPIC_ALREADY_EXISTS") {
			k.t.Fatal(err)
		}
	}
	for { // and tells of the old one for a moment
		told, err := k.adm.ListTopics(k.ctx(), k.topic)
		k.must(err)
		if told[k.topic].ID == anew.ID {
			break
		}
	}
	k.connect()
}

// Records that the broker deleted before they were read.
func TestKafkaRetention(t *testing.T) {
	for _, loss := range []string{"fail", "earliest", "latest"} {
		t.Run(loss, func(t *testing.T) {
			k := newKafka(t, 1, false)
			k.script(strings.Replace(eventsScript, "'{topic}')", "'{topic}', on_offset_loss "+loss+")", 1))
			k.events(0, 5, 1)
			k.runs()
			k.events(5, 10, 1)
			k.deleteRecords(9)
			if loss == "fail" {
				k.fails(1, "offsets 5 to 8 were not read and are gone")
				return
			}
			k.runs()
			k.is("SELECT count(*) FROM s", map[string]string{"earliest": "11", "latest": "5"}[loss])
			k.is("SELECT from_offset, to_offset FROM dsql.gaps", map[string]string{"earliest": "5|9", "latest": "5|15"}[loss])
		})
	}
}

func (k *kafka) deleteRecords(upTo int64) {
	k.t.Helper()
	var o kadm.Offsets = kadm.Offsets{}
	o.Add(kadm.Offset{Topic: k.topic, Partition: 0, At: upTo, LeaderEpoch: -1})
	res, err := k.adm.DeleteRecords(k.ctx(), o)
	k.must(err)
	k.must(res.Error())
}

// A partition that is shorter than the place: the broker lost its end.
func TestKafkaTruncated(t *testing.T) {
	k := newKafka(t, 1, false)
	k.script(eventsScript)
	k.events(0, 5, 1)
	k.runs()
	k.sql("UPDATE dsql.offsets SET next_offset = 50")
	k.fails(1, "ends at offset 5, before the place")
}

// sql changes the file.
func (k *kafka) sql(text string) {
	k.t.Helper()
	was, err := os.ReadFile(filepath.Join(k.dir, "s.sql"))
	k.must(err)
	k.script(text)
	k.runs()
	k.must(os.WriteFile(filepath.Join(k.dir, "s.sql"), was, 0o644))
}

// Compaction leaves offsets without records, the last one of a batch too.
func TestKafkaCompaction(t *testing.T) {
	k := newKafka(t, 1, true)
	k.must(k.fake.CreateTopic(k.topic+"c", 1, map[string]string{"cleanup.policy": "compact"}))
	k.topic += "c"
	k.script(eventsScript)
	for i := range 30 {
		k.record(&kgo.Record{Key: fmt.Appendf(nil, "%d", i%3), Value: fmt.Appendf(nil, `{"id":%d}`, i)})
	}
	for i := range 3 {
		k.record(&kgo.Record{Key: fmt.Appendf(nil, "%d", i)})
	}
	k.fake.Compact()
	k.runs()
	k.is("SELECT count(*) >= 3, max(o) FROM s", "true|32")
	k.is("SELECT next_offset FROM dsql.offsets", "33")
}

// What can't be reached is said within ten seconds, with exit code 4; a typo creates no topic.
func TestKafkaUnreachable(t *testing.T) {
	k := newKafka(t, 1, false)
	for text, want := range map[string]string{
		strings.Replace(eventsScript, "{brokers}", "127.0.0.1:1", 1):          "[broker-unreachable]",
		strings.Replace(eventsScript, "{brokers}", "no-such-host:9092", 1):    "[broker-unreachable]",
		strings.Replace(eventsScript, "{topic}", k.topic[:len(k.topic)-1], 1): "did you mean " + k.topic,
	} {
		k.script(text)
		k.fails(4, want)
	}
	all, err := k.adm.ListTopics(k.ctx())
	k.must(err)
	if all.Has(k.topic[:len(k.topic)-1]) {
		t.Error("the typo has created a topic")
	}
}

func TestKafkaLogin(t *testing.T) {
	for _, mechanism := range []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"} {
		t.Run(mechanism, func(t *testing.T) {
			if os.Getenv("DSQL_KAFKA") != "" {
				t.Skip("needs kfake")
			}
			c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.EnableSASL(), kfake.Superuser(mechanism, "alice", "secret-word"),
				kfake.SeedTopics(1, "t"))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(c.Close)
			t.Parallel()
			k := &kafka{t: t, dir: t.TempDir(), brokers: c.ListenAddrs()[0], topic: "t"}
			const rest = "CREATE SOURCE ev (id BIGINT) FROM KAFKA (connection c, topic '{topic}'); CREATE STREAM s FROM ev;"
			k.script("CREATE CONNECTION c TO KAFKA (brokers '{brokers}', sasl_mechanism '" + mechanism +
				"', sasl_username env('KUSER'), sasl_password env('KPASS'));" + rest)
			k.fails(4, "[no-env]")
			k.env = []string{"KUSER=alice", "KPASS=wrong-word"}
			k.fails(4, "[login-refused]")
			if strings.Contains(k.lastErrOutput, "wrong-word") {
				t.Error("the password is shown")
			}
			k.env[1] = "KPASS=secret-word"
			k.runs()
			if strings.Contains(k.all("SELECT body FROM dsql.declarations"), "secret-word") {
				t.Error("the password is in the file")
			}
			k.env = nil
			k.script("CREATE CONNECTION c TO KAFKA (brokers '{brokers}', sasl_mechanism '" + mechanism +
				"', sasl_username 'alice', sasl_password 'secret-word');" + rest)
			k.runs()
			if strings.Contains(k.all("SELECT body FROM dsql.declarations"), "secret-word") {
				t.Error("the password is in the file")
			}
			k.script("CREATE CONNECTION c TO KAFKA (brokers '{brokers}');" + rest)
			k.fails(4, "[")
		})
	}
}

// --follow takes what comes, a quiet topic too, new partitions and files, and ends in order by SIGTERM.
func TestKafkaFollow(t *testing.T) {
	k := newKafka(t, 1, false)
	k.must(os.MkdirAll(filepath.Join(k.dir, "in"), 0o755))
	k.script(eventsScript + "CREATE SOURCE f (id BIGINT) FROM FILES ('in/*.csv', format csv);\nCREATE STREAM fs FROM f;\n")
	k.put(`{"id":1}`)
	f := k.follow()
	f.sees(`"event":"version"`, 1)
	k.put(`{"id":2}`)
	f.sees(`"event":"version"`, 2)
	k.must(os.WriteFile(filepath.Join(k.dir, "in", "a.csv"), []byte("id\n7\n"), 0o644))
	f.sees(`"event":"version"`, 3)
	k.put(`{"id":3}`)
	f.sees(`"event":"version"`, 4)
	if code := f.ends(syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d\n%s", code, f.said())
	}
	k.is("SELECT id FROM s ORDER BY id", "1\n2\n3")
	k.is("SELECT id FROM fs", "7")
	if got := k.committed("dsql.s.ev"); got != "0:3" {
		t.Errorf("the group is at %s", got)
	}
	k.put(`{"id":4}`)
	f = k.follow()
	f.sees(`"event":"version"`, 1)
	if code := f.ends(syscall.SIGINT); code != 130 {
		t.Errorf("exit code %d", code)
	}
	k.is("SELECT id FROM s ORDER BY id", "1\n2\n3\n4")
}

// Killed while it follows, at random places, again and again.
func TestKafkaFollowKilled(t *testing.T) {
	k := newKafka(t, 2, false)
	k.script(strings.Replace(eventsScript, "'{topic}')", "'{topic}', batch_time '10ms')", 1))
	n := 0
	for i := range 8 {
		k.env = []string{fmt.Sprintf("DSQL_FAULT=kill:*:%d", 5+3*i)}
		f := k.follow()
		ended := make(chan struct{})
		go func() { f.cmd.Wait(); close(ended) }()
		for alive := true; alive; n += 10 {
			k.events(n, 10, 2)
			select {
			case <-ended:
				alive = false
			case <-time.After(20 * time.Millisecond): // events keep coming
			}
			if n > 20_000 {
				t.Fatalf("it is not killed:\n%s", f.said())
			}
		}
	}
	k.env = nil
	k.runs()
	k.is("SELECT count(*), count(DISTINCT id), count(DISTINCT (p, o)) FROM s", fmt.Sprintf("%d|%d|%d", n, n, n))
}

// A broker that goes away and comes back: the run says so, waits, and goes on.
func TestKafkaBrokerComesBack(t *testing.T) {
	k := newKafka(t, 1, true)
	dir := t.TempDir()
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.DataDir(dir), kfake.SeedTopics(1, k.topic))
	k.must(err)
	port := c.ListenAddrs()[0]
	k.brokers = port
	k.connect()
	k.script(eventsScript)
	k.put(`{"id":1}`)
	f := k.follow()
	f.sees(`"event":"version"`, 1)
	c.Close()
	f.sees("broker-unreachable", 1)
	var n int
	_, err = fmt.Sscanf(port[strings.LastIndex(port, ":")+1:], "%d", &n)
	k.must(err)
	c, err = kfake.NewCluster(kfake.NumBrokers(1), kfake.DataDir(dir), kfake.Ports(n))
	k.must(err)
	t.Cleanup(c.Close)
	f.sees("broker-back", 1)
	k.connect()
	k.put(`{"id":2}`)
	f.sees(`"event":"version"`, 2)
	if code := f.ends(syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d", code)
	}
	k.is("SELECT id FROM s ORDER BY id", "1\n2")
}

// A topic that is recreated while a run follows it.
func TestKafkaRecreatedWhileFollowing(t *testing.T) {
	k := newKafka(t, 1, false)
	k.script(strings.Replace(eventsScript, "'{topic}')", "'{topic}', on_offset_loss earliest)", 1))
	k.events(0, 5, 1)
	f := k.follow()
	f.sees(`"event":"version"`, 1)
	k.recreate(1)
	k.events(100, 8, 1)
	f.sees("offset-loss", 1)
	f.sees(`"event":"version"`, 2)
	f.ends(syscall.SIGTERM)
	k.is("SELECT count(*), count(DISTINCT id) FROM s", "13|13")
	k.is("SELECT from_offset, reason FROM dsql.gaps", "5|the topic was deleted and created again")
}

// Two members of a group, each with a file: the union has every record, and the handover doubles none.
func TestKafkaGroup(t *testing.T) {
	k := newKafka(t, 4, false)
	k.script(strings.Replace(eventsScript, "'{topic}')", "'{topic}', group '{topic}', batch_time '50ms')", 1))
	one, two := *k, *k
	one.args, two.args = []string{"--db", "one.duckdb"}, []string{"--db", "two.duckdb"}
	one.env = []string{"DSQL_FAULT=delay:*:0"} // its batches are slow, and it gives partitions up in the middle of one
	k.events(0, 100, 4)
	a := one.follow()
	a.sees(`"event":"version"`, 1)
	b := two.follow()
	want := 100
	// until the second has partitions
	for deadline := time.Now().Add(40 * time.Second); !strings.Contains(b.said(), `"event":"version"`); want += 8 {
		k.events(want, 8, 4)
		if time.Now().After(deadline) {
			t.Fatalf("the second member got nothing:\n%s", b.said())
		}
	}
	if code := b.ends(syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d\n%s", code, b.said())
	}
	k.events(want, 40, 4)
	want += 40
	for deadline := time.Now().Add(40 * time.Second); ; {
		total := int64(0)
		for _, o := range strings.Fields(k.committed(k.topic)) {
			var p, n int64
			fmt.Sscanf(o, "%d:%d", &p, &n)
			total += n
		}
		if total == int64(want) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the group is at %s of %d\n%s", k.committed(k.topic), want, a.said())
		}
	}
	if code := a.ends(syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d\n%s", code, a.said())
	}
	rows := strings.Fields(one.all("SELECT id FROM s") + "\n" + two.all("SELECT id FROM s"))
	slices.Sort(rows)
	if n := len(rows); n != want || len(slices.Compact(rows)) != want {
		t.Errorf("%d rows, %d different ones, want %d", n, len(slices.Compact(rows)), want)
	}
}

// The copy for readers, while a run has the file open.
func TestKafkaSnapshot(t *testing.T) {
	k := newKafka(t, 1, false)
	k.script(eventsScript)
	k.put(`{"id":1}`)
	f := k.follow("--snapshot", "copy.duckdb", "--snapshot-every", "1ms")
	f.sees(`"event":"version"`, 1)
	k.put(`{"id":2}`)
	f.sees(`"event":"version"`, 2)
	out, code := k.dsql("status", "--db", "copy.duckdb", "--output", "csv")
	if code != 0 || !strings.Contains(out, "stream,s,") {
		t.Errorf("exit code %d\n%s\n%s", code, out, k.lastErrOutput)
	}
	if _, code := k.dsql("status", "--db", "s.duckdb"); code != 4 || !strings.Contains(k.lastErrOutput, "--snapshot") {
		t.Errorf("exit code %d\n%s", code, k.lastErrOutput)
	}
	f.ends(syscall.SIGTERM)
	k.args = []string{"--db", "copy.duckdb"}
	k.is("SELECT id FROM s ORDER BY id", "1\n2")
}

// A run of a member that doesn't follow takes its partitions to their ends, and ends.
func TestKafkaGroupToTheEnd(t *testing.T) {
	k := newKafka(t, 3, false)
	k.script(strings.Replace(eventsScript, "'{topic}')", "'{topic}', group '{topic}')", 1))
	k.events(0, 30, 3)
	k.runs()
	k.events(30, 30, 3)
	k.runs()
	k.is("SELECT count(*), count(DISTINCT id) FROM s", "60|60")
	if got := k.committed(k.topic); got != "0:20 1:20 2:20" {
		t.Errorf("the group is at %s", got)
	}
}

// A broker that sends its clients to a host that nobody knows is told from a name in brokers that nobody knows.
func TestKafkaAdvertisedWrong(t *testing.T) {
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "t"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	c.ControlKey(int16(kmsg.Metadata), func(req kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		r := req.ResponseKind().(*kmsg.MetadataResponse)
		b := kmsg.NewMetadataResponseBroker()
		b.Host, b.Port = "kafka-in-docker.invalid", 9092
		r.Brokers = append(r.Brokers, b)
		for _, of := range req.(*kmsg.MetadataRequest).Topics {
			topic, part := kmsg.NewMetadataResponseTopic(), kmsg.NewMetadataResponseTopicPartition()
			topic.Topic, topic.TopicID, topic.Partitions = of.Topic, [16]byte{1}, append(topic.Partitions, part)
			r.Topics = append(r.Topics, topic)
		}
		return r, nil, true
	})
	k := &kafka{t: t, dir: t.TempDir(), brokers: c.ListenAddrs()[0], topic: "t"}
	k.script("CREATE SOURCE ev (n BIGINT) FROM KAFKA (brokers '{brokers}', topic 't');\nCREATE STREAM s FROM ev;\n")
	k.fails(4, "sends clients to kafka-in-docker.invalid")
	k.fails(4, "advertised.listeners")
	k.brokers = "no-such-host.invalid:9092"
	k.script("CREATE SOURCE ev (n BIGINT) FROM KAFKA (brokers '{brokers}', topic 't');\nCREATE STREAM s FROM ev;\n")
	k.fails(4, "check the name in brokers")
}
