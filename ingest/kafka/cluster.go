package kafka

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"dsql/connect"
	"dsql/engine/kind"
	"dsql/sql"
	"dsql/sql/code"
)

// cluster is what the brokers say of the source's topics at one moment.
type cluster struct {
	id         string
	partitions map[topicPartition]extent
}

// extent is what a partition holds: the records from start up to end that are committed, of high that are written.
type extent struct {
	topicID          string
	leader           int32
	start, end, high int64
}

// look asks the brokers. A topic that isn't there is an error; it is not created by asking. Of a share's partitions there are no others.
func (s *Source) look(ctx context.Context, env *kind.Env, conn *connect.Connection, cl *kgo.Client) (*cluster, error) {
	ctx, cancel := context.WithTimeout(ctx, 8*time.Second)
	defer cancel()
	adm := kadm.NewClient(cl)
	var asked []string
	if s.topics == nil {
		asked = []string{s.topic}
	}
	m, err := adm.Metadata(ctx, asked...)
	if err != nil {
		return nil, s.denied(conn, s.topic, err)
	}
	c := &cluster{id: m.Cluster, partitions: map[topicPartition]extent{}}
	var names, all []string
	var orphans []kadm.PartitionDetail
	for _, t := range m.Topics.Sorted() {
		if !t.IsInternal {
			all = append(all, t.Topic)
		}
		if s.topics != nil && (t.IsInternal || !s.topics.MatchString(t.Topic)) {
			continue
		}
		if t.Err != nil {
			if s.topics != nil && errors.Is(t.Err, kerr.UnknownTopicOrPartition) {
				continue
			}
			return nil, s.denied(conn, t.Topic, s.topicError(ctx, adm, t.Topic, t.Err))
		}
		names = append(names, t.Topic)
		for _, p := range t.Partitions {
			if s.group == "" && !env.Share.Owns(s.Stmt.Name, t.Topic, int64(p.Partition)) {
				continue
			}
			if p.Err != nil && p.Leader < 0 {
				orphans = append(orphans, p)
			}
			c.partitions[topicPartition{t.Topic, p.Partition}] = extent{topicID: t.ID.String(), leader: p.Leader}
		}
	}
	if s.topics != nil && len(names) == 0 {
		e := s.Stmt.At(s.topicAt).Errorf(code.UnknownTopic, "no topic matches %s",
			strings.TrimSuffix(strings.TrimPrefix(s.topics.String(), "^(?:"), ")$")).
			WithHint("the cluster has no topics, or none that this login may read")
		if len(all) > 0 {
			e.Hint = "the cluster has: " + strings.Join(all[:min(len(all), 10)], ", ")
		}
		return nil, e
	}
	if len(orphans) > 0 {
		return nil, s.leaderless(orphans)
	}
	for _, x := range []struct {
		list func(context.Context, ...string) (kadm.ListedOffsets, error)
		set  func(*extent, int64)
	}{
		{adm.ListStartOffsets, func(e *extent, n int64) { e.start = n }},
		{adm.ListEndOffsets, func(e *extent, n int64) { e.high = n }},
		{adm.ListCommittedOffsets, func(e *extent, n int64) { e.end = n }},
	} {
		listed, err := x.list(ctx, names...)
		if err != nil {
			return nil, err
		}
		for _, tp := range sortedPartitions(c.partitions) {
			o, ok := listed.Lookup(tp.topic, tp.partition)
			if o.Err != nil {
				return nil, s.denied(conn, tp.topic, s.partitionError(tp, o.Err))
			}
			if e := c.partitions[tp]; ok {
				x.set(&e, o.Offset)
				c.partitions[tp] = e
			}
		}
	}
	return c, nil
}

// topicError says why a topic can't be read.
func (s *Source) topicError(ctx context.Context, adm *kadm.Client, topic string, err error) error {
	if !errors.Is(err, kerr.UnknownTopicOrPartition) && !errors.Is(err, kerr.InvalidTopicException) {
		return err
	}
	hint := "create it, or check its name; dsql creates none"
	if all, lerr := adm.ListTopics(ctx); lerr == nil {
		hint = sql.DidYouMean(topic, all.Names(), hint)
	}
	return s.Stmt.At(s.topicAt).Errorf(code.UnknownTopic, "there is no topic %s", topic).WithHint(hint).WithCause(err)
}

// denied makes a missing right of an error that says so; another stays as it is. topic "": the error is of the group.
func (s *Source) denied(conn *connect.Connection, topic string, err error) error {
	var e *sql.Error
	switch {
	case errors.Is(err, kerr.TopicAuthorizationFailed) && topic != "":
		e = conn.Denied(err, "read", "READ", "topic", topic)
		e.Hint += "; brokers answer so too where there is no such topic"
	case errors.Is(err, kerr.GroupAuthorizationFailed):
		e = conn.Denied(err, "join", "READ", "group", s.group)
	default:
		return err
	}
	e.Src, e.Span = s.Stmt.Src, s.topicAt
	return e
}

// leaderless is the error of partitions that no broker leads.
func (s *Source) leaderless(orphans []kadm.PartitionDetail) *sql.Error {
	var of []string
	for _, p := range orphans {
		brokers := strings.Trim(fmt.Sprint(p.Replicas), "[]")
		of = append(of, fmt.Sprintf("%s partition %d (of broker %s)", p.Topic, p.Partition, strings.ReplaceAll(brokers, " ", ", ")))
	}
	if more := len(of) - 5; more > 0 {
		of = append(of[:5], fmt.Sprintf("%d more", more))
	}
	return s.Stmt.At(s.topicAt).Errorf(code.BrokerUnreachable, "no broker leads %s", strings.Join(of, ", ")).
		WithHint("start the brokers that have it, or see their logs; nothing is lost").
		WithCause(orphans[0].Err)
}

// partitionError is what the brokers answer for one of the partitions.
func (s *Source) partitionError(tp topicPartition, err error) error {
	var answer *kerr.Error
	if !errors.As(err, &answer) {
		return err
	}
	return s.Stmt.At(s.topicAt).Errorf(code.BrokerUnreachable, "the brokers answer for %s partition %d: %s", tp.topic, tp.partition,
		strings.TrimSuffix(answer.Description, ".")).
		WithHint("see the brokers' logs; nothing is lost").
		WithCause(err)
}

// startOf are the positions of a destination that has none yet.
func (s *Source) startOf(ctx context.Context, cl *kgo.Client, c *cluster) (positions, error) {
	out := positions{}
	var listed kadm.ListedOffsets
	if s.start.since != nil {
		var err error
		if listed, err = offsetsSince(ctx, cl, c, *s.start.since); err != nil {
			return nil, err
		}
	}
	for tp, e := range c.partitions {
		p := position{next: e.start, epoch: -1, topicID: e.topicID, cluster: c.id, fresh: true}
		if s.start.latest {
			p.next = e.end
		}
		if o, ok := listed.Lookup(tp.topic, tp.partition); ok {
			p.next = o.Offset
		}
		out[tp] = p
	}
	return out, nil
}

// offsetsSince lists the first offsets at or after a time; the end where there is none.
func offsetsSince(ctx context.Context, cl *kgo.Client, c *cluster, t time.Time) (kadm.ListedOffsets, error) {
	topics := map[string]bool{}
	var names []string
	for tp := range c.partitions {
		if !topics[tp.topic] {
			topics[tp.topic] = true
			names = append(names, tp.topic)
		}
	}
	listed, err := kadm.NewClient(cl).ListOffsetsAfterMilli(ctx, t.UnixMilli(), names...)
	if err == nil {
		err = listed.Error()
	}
	return listed, err
}

// judge compares a position with what the partition holds. Where records that were not read are gone it says so, and from where
// reading can go on as on_offset_loss wants it.
func (s *Source) judge(tp topicPartition, at position, c *cluster) (position, *gap, error) {
	e, ok := c.partitions[tp]
	if !ok {
		return at, nil, nil
	}
	if at.topicID == "" { // a member of a group heard of the partition before the cluster's list had it
		at.topicID, at.cluster = e.topicID, c.id
	}
	g := &gap{topicPartition: tp, from: at.next, to: -1}
	switch {
	case at.cluster != c.id && at.cluster != "" && at.topicID != e.topicID:
		g.reason = fmt.Sprintf("another cluster: its id was %s and is %s", at.cluster, c.id)
	case at.topicID != e.topicID:
		g.reason = "the topic was deleted and created again"
	case at.next < e.start:
		g.reason, g.to = "the broker has deleted these records: they were older than it keeps any", e.start
	case at.next > e.high:
		g.reason = fmt.Sprintf("the partition ends at offset %d, before the place", e.high)
	default:
		return at, nil, nil
	}
	to := position{next: e.start, epoch: -1, topicID: e.topicID, cluster: c.id}
	switch s.onLoss {
	case "latest":
		if to.next = e.end; g.to >= 0 {
			g.to = e.end
		}
		return to, g, nil
	case "earliest":
		return to, g, nil
	}
	lost := fmt.Sprintf("offset %d is next and can't be read", at.next)
	if g.to >= 0 {
		lost = fmt.Sprintf("offsets %d to %d were not read and are gone", g.from, g.to-1)
	}
	return at, g, s.Stmt.At(s.topicAt).Errorf(code.OffsetLoss, "%s partition %d: %s: %s", tp.topic, tp.partition, lost, g.reason).
		WithHint("on_offset_loss earliest goes on with the oldest record that is there, on_offset_loss latest with the newest; dsql.gaps notes " +
			"what is missing")
}

// lossWarning tells of a gap that on_offset_loss or on_bad_batch goes over.
func (s *Source) lossWarning(g gap) *sql.Error {
	what := fmt.Sprintf("from offset %d on", g.from)
	if g.to >= 0 {
		what = fmt.Sprintf("offsets %d to %d", g.from, g.to-1)
	}
	e := s.Stmt.At(s.topicAt).Errorf(code.OffsetLoss, "%s partition %d: %s were not read: %s", g.topic, g.partition, what, g.reason).
		WithHint("dsql.gaps notes it; on_offset_loss is " + s.onLoss)
	if g.batch {
		e.Code, e.Hint = code.BadBatch, "dsql.gaps notes it; on_bad_batch is skip"
	}
	return e
}

// How often the brokers are asked what there is: for new partitions and topics, and when nothing comes.
const (
	lookEvery = 5 * time.Second
	lookQuiet = time.Second
	lookSoon  = 200 * time.Millisecond // behind an error: a batch that can't be read is given again at once
	giveUp    = 20 * time.Second       // a run that doesn't follow ends when the brokers are away for so long
)
