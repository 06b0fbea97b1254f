package torture

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Sinks into topics. What comes again after a kill has the id that it had, and says the same.

// topicSink holds what the topic of a sink has against what each version should have written.
func (l *look) topicSink(k *Sink, of *Dest) error {
	d := k.decl
	upsert := of.journal() && slices.Equal(of.decl.Keys, []string{d.Key}) && !d.Append
	cols := of.cols
	if of.journal() {
		cols = either(upsert, of.names(), append([]string{"change_type"}, of.names()...))
	}
	want := &table{}
	for v, rows := range k.files {
		for _, r := range rows {
			key := either(d.Key == "", null, textOf(r[d.Key]))
			switch {
			case upsert && r["change_type"] == "update_before":
			case upsert && r["change_type"] == "delete":
				want.add(v, key, "tombstone")
			default:
				want.rows = append(want.rows, append([]string{fmt.Sprint(v), key}, r.texts(cols)...))
			}
		}
	}
	records, err := l.b.broker.records(l.ctx, d.Topic)
	if err != nil {
		return err
	}
	l.m.Tally["records of sinks that were read back"] += len(records)
	got, err := told(records, cols)
	if err != nil {
		return err
	}
	return differ("sink", "the topic of sink "+d.Name+" (version, key, "+list(cols)+")", got, want)
}

// told are records of a sink, each once, in the order in which versions and rows have to stand.
func told(records []*kgo.Record, cols []string) (*table, error) {
	t, seen, newest := &table{}, map[string]string{}, map[string]string{}
	for _, r := range records {
		id := ""
		for _, h := range r.Headers {
			if h.Key == "dsql-id" {
				id = string(h.Value)
			}
		}
		parts := strings.Split(id, "/")
		if len(parts) != 5 {
			return nil, &Difference{Kind: "sink", Text: "a record without an id: " + id}
		}
		says := fmt.Sprintf("%q %q", r.Key, r.Value)
		if was, again := seen[id]; again && was != says {
			return nil, &Difference{Kind: "sink", Text: fmt.Sprintf("id %s says %s, and then %s", id, was, says)}
		} else if again {
			continue
		}
		seen[id] = says
		key := either(r.Key == nil, null, string(r.Key))
		if place := fmt.Sprintf("%9s %9s", parts[3], parts[4]); place <= newest[key] {
			return nil, &Difference{Kind: "sink", Text: fmt.Sprintf("id %s comes behind %s of its key", id, newest[key])}
		} else {
			newest[key] = place
		}
		row := []string{"tombstone"}
		if r.Value != nil {
			rows, err := jsonRows(r.Value, cols)
			if err != nil || len(rows) != 1 {
				return nil, errors.Join(err, fmt.Errorf("%d rows in %s", len(rows), says))
			}
			row = rows[0]
		}
		t.rows = append(t.rows, append([]string{parts[3], key}, row...))
	}
	return t, nil
}

// records are all of a topic of one partition.
func (b *broker) records(ctx context.Context, topic string) ([]*kgo.Record, error) {
	req := kmsg.NewPtrListOffsetsRequest()
	t, p := kmsg.NewListOffsetsRequestTopic(), kmsg.NewListOffsetsRequestTopicPartition()
	p.Timestamp = -1 // the end
	t.Topic, t.Partitions = topic, append(t.Partitions, p)
	req.Topics = append(req.Topics, t)
	res, err := req.RequestWith(ctx, b.cl)
	if err != nil {
		return nil, err
	}
	if len(res.Topics) != 1 || len(res.Topics[0].Partitions) != 1 {
		return nil, fmt.Errorf("topic %s isn't there", topic)
	}
	end := res.Topics[0].Partitions[0].Offset
	cl, err := kgo.NewClient(kgo.SeedBrokers(b.addr),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {0: kgo.NewOffset().AtStart()}}))
	if err != nil {
		return nil, err
	}
	defer cl.Close()
	var out []*kgo.Record
	for end > 0 && (len(out) == 0 || out[len(out)-1].Offset+1 < end) {
		fetched := cl.PollFetches(ctx)
		if err := fetched.Err(); err != nil {
			return nil, err
		}
		out = append(out, fetched.Records()...)
	}
	return out, nil
}
