package main

import (
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sasl/plain"
)

// A right that is missing is told with who lacks it, on what, and how it is given.
func TestKafkaDenied(t *testing.T) {
	const source, group, regex = "topic 'in'", "topic 'in', group 'g'", "topics 'i.*'"
	const sink = "CREATE SINK o INTO KAFKA (connection c, topic 'out') FROM s;"
	for name, p := range map[string]struct {
		rights, from, more string
		says               []string
	}{
		"nothing": {"", source, "",
			[]string{"the login alice may not read the topic in [not-authorised]", "--allow-principal User:alice --operation READ --topic in"}},
		"not to read": {"topic in DESCRIBE", source, "", []string{"the login alice may not read the topic in [not-authorised]"}},
		"group": {"topic in READ", group, "",
			[]string{"the login alice may not join the group g [not-authorised]", "--operation READ --group g"}},
		"only group":    {"group g READ", group, "", []string{"the login alice may not read the topic in [not-authorised]"}},
		"any of a name": {"", regex, "", []string{"no topic matches i.*", "or none that this login may read"}},
		"sink": {"topic in READ", source, sink,
			[]string{"the login alice may not write to the topic out [not-authorised]", "--operation WRITE --topic out"}},
		"sink to write": {"topic in READ, topic out DESCRIBE", source, sink,
			[]string{"the login alice may not write to the topic out [not-authorised]"}},
		"all": {"topic in READ, group g READ, topic out WRITE", group, sink, nil},
	} {
		t.Run(name, func(t *testing.T) {
			var acls []kfake.ACL
			for r := range strings.SplitSeq(p.rights, ", ") {
				if r == "" {
					continue
				}
				var kind, of, op string
				fmt.Sscan(r, &kind, &of, &op)
				acl := kfake.ACL{Name: of, Pattern: kmsg.ACLResourcePatternTypeLiteral, Allow: true}
				if err := acl.Resource.UnmarshalText([]byte(kind)); err != nil {
					t.Fatal(err)
				}
				if err := acl.Operation.UnmarshalText([]byte(op)); err != nil {
					t.Fatal(err)
				}
				acls = append(acls, acl)
			}
			c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.EnableSASL(), kfake.EnableACLs(), kfake.Superuser("PLAIN", "root", "root"),
				kfake.User("PLAIN", "alice", "word", acls...), kfake.SeedTopics(1, "in", "out"), kfake.GroupMinSessionTimeout(1))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(c.Close)
			t.Parallel()
			k := &kafka{t: t, dir: t.TempDir(), brokers: c.ListenAddrs()[0], topic: "in"}
			k.connect(kgo.SASL(plain.Auth{User: "root", Pass: "root"}.AsMechanism()))
			k.put(`{"id":1}`)
			k.script("CREATE CONNECTION c TO KAFKA (brokers '{brokers}', sasl_username 'alice', sasl_password 'word');\n" +
				"CREATE SOURCE ev (id BIGINT) FROM KAFKA (connection c, " + p.from + ");\nCREATE STREAM s FROM ev;\n" + p.more)
			if p.says == nil {
				k.runs()
				return
			}
			for _, text := range p.says {
				k.fails(4, text)
			}
		})
	}
}

// A partition that no broker leads is named with the brokers that are to have it; a run that follows waits for them.
func TestKafkaLeaderless(t *testing.T) {
	k := newKafka(t, 2, true)
	k.put(`{"id":1}`)
	k.script(eventsScript)
	k.runs()
	k.fake.ControlKey(int16(kmsg.Metadata), func(req kmsg.Request) (kmsg.Response, error, bool) {
		r := req.(*kmsg.MetadataRequest)
		if len(r.Topics) != 1 || r.Topics[0].Topic == nil || *r.Topics[0].Topic != k.topic {
			return nil, nil, false
		}
		k.fake.KeepControl()
		res := r.ResponseKind().(*kmsg.MetadataResponse)
		b := kmsg.NewMetadataResponseBroker()
		b.Host = "127.0.0.1"
		fmt.Sscanf(k.brokers, "127.0.0.1:%d", &b.Port)
		res.Brokers = append(res.Brokers, b)
		of := kmsg.NewMetadataResponseTopic()
		of.Topic, of.TopicID = &k.topic, k.fake.TopicInfo(k.topic).TopicID
		for i := range int32(2) {
			p := kmsg.NewMetadataResponseTopicPartition()
			p.Partition, p.Leader, p.Replicas = i, 0, []int32{0}
			if i == 1 {
				p.Leader, p.Replicas, p.ErrorCode = -1, []int32{4, 7}, kerr.LeaderNotAvailable.Code
			}
			of.Partitions = append(of.Partitions, p)
		}
		res.Topics = append(res.Topics, of)
		return res, nil, true
	})
	k.fails(4, "no broker leads "+k.topic+" partition 1 (of broker 4, 7) [broker-unreachable]")
}

// An answer that concerns a partition names it; of several brokers the one that is away is named.
func TestKafkaPartitionAnswer(t *testing.T) {
	k := newKafka(t, 2, true)
	k.put(`{"id":1}`)
	k.script(eventsScript)
	f := k.follow()
	f.sees(`"event":"version"`, 1)
	k.fake.ControlKey(int16(kmsg.ListOffsets), func(req kmsg.Request) (kmsg.Response, error, bool) {
		k.fake.KeepControl()
		r := req.(*kmsg.ListOffsetsRequest)
		res := r.ResponseKind().(*kmsg.ListOffsetsResponse)
		for _, asked := range r.Topics {
			of := kmsg.NewListOffsetsResponseTopic()
			of.Topic = asked.Topic
			for _, p := range asked.Partitions {
				a := kmsg.NewListOffsetsResponseTopicPartition()
				if a.Partition = p.Partition; a.Partition == 1 {
					a.ErrorCode = kerr.KafkaStorageError.Code
				}
				of.Partitions = append(of.Partitions, a)
			}
			res.Topics = append(res.Topics, of)
		}
		return res, nil, true
	})
	f.sees("the brokers answer for "+k.topic+" partition 1: ", 1)
	if code := f.ends(syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d\n%s", code, f.said())
	}
}
