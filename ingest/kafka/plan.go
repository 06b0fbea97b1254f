package kafka

import (
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"

	"dsql/engine/duck"
	"dsql/engine/kind"
)

// stretchToRead is a part of the source's topics for the destinations that stand at its start.
type stretchToRead struct {
	destinations []string
	from         positions
	to           map[topicPartition]int64 // where it ends
	again        bool                     // another destination has taken this before
	last         bool                     // what all take in step: it goes on with what is new
	replay       bool                     // nobody's place moves
	headers      [][]kind.HeaderTest      // see passing
}

// plan says what there is to read: first what destinations lack that others have, then what all of them lack. It notes what was
// lost, and where new destinations begin, in the file.
func (s *Source) plan(ctx context.Context, db *duck.Conn, cl *kgo.Client, c *cluster, o kind.ReadOptions) ([]stretchToRead, error) {
	stored, err := s.places(ctx, db)
	if err != nil {
		return nil, err
	}
	type standing struct {
		destinations []string
		at           positions
	}
	var all []standing
	begin := sync.OnceValues(func() (positions, error) { return s.startOf(ctx, cl, c) }) // asks the brokers
	for _, d := range o.Destinations {
		at, err := s.standing(ctx, db, c, d, stored[d], begin, o)
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(all, func(x standing) bool {
			return maps.EqualFunc(x.at, at, func(a, b position) bool { return a.next == b.next })
		})
		if i < 0 {
			all = append(all, standing{nil, at})
			i = len(all) - 1
		}
		all[i].destinations = append(all[i].destinations, d)
	}
	front := positions{} // how far any destination is
	further := func(tp topicPartition, p position) {
		if f, ok := front[tp]; !ok || p.next > f.next {
			front[tp] = p
		}
	}
	for _, x := range all {
		for tp, p := range x.at {
			further(tp, p)
		}
	}
	if o.Replay != nil {
		return s.again(ctx, cl, c, o, front)
	}
	for _, at := range stored { // of destinations that aren't read for now, too
		for tp, p := range at {
			if e, ok := c.partitions[tp]; ok && e.topicID == p.topicID && p.next <= e.end && s.group == "" {
				further(tp, p)
			}
		}
	}
	var out []stretchToRead
	for _, x := range all {
		to, behind := map[topicPartition]int64{}, false
		for tp, p := range x.at {
			to[tp] = front[tp].next
			behind = behind || p.next < to[tp]
		}
		if behind {
			out = append(out, stretchToRead{destinations: x.destinations, from: x.at, to: to, again: true})
		}
	}
	to := map[topicPartition]int64{}
	for tp := range front {
		to[tp] = c.partitions[tp].end
	}
	return append(out, stretchToRead{destinations: o.Destinations, from: front, to: to, last: !o.Everything}), nil
}

// lastPartitions are the highest that have a place, by topic.
func lastPartitions(at positions) map[string]int32 {
	out := map[string]int32{}
	for tp := range at {
		out[tp.topic] = max(out[tp.topic], tp.partition)
	}
	return out
}

// again is what REPLAY SOURCE reads: what the destinations have taken before.
func (s *Source) again(ctx context.Context, cl *kgo.Client, c *cluster, o kind.ReadOptions, front positions) ([]stretchToRead, error) {
	x := stretchToRead{destinations: o.Destinations, from: positions{}, to: map[topicPartition]int64{}, again: true, replay: true}
	for tp, f := range front {
		f.epoch, x.to[tp] = -1, min(f.next, c.partitions[tp].end)
		f.next = c.partitions[tp].start
		x.from[tp] = f
	}
	if o.Replay.Since != nil {
		listed, err := offsetsSince(ctx, cl, c, *o.Replay.Since)
		if err != nil {
			return nil, err
		}
		for tp, p := range x.from {
			if l, ok := listed.Lookup(tp.topic, tp.partition); ok {
				p.next = max(p.next, l.Offset)
				x.from[tp] = p
			}
		}
	}
	return []stretchToRead{x}, nil
}

// standing is where a destination begins to read: known are its places, begin those of one that has none.
func (s *Source) standing(ctx context.Context, db *duck.Conn, c *cluster, d string, known positions,
	begin func() (positions, error), o kind.ReadOptions) (positions, error) {
	at := positions{}
	if o.Everything {
		for tp, e := range c.partitions {
			at[tp] = position{next: e.start, epoch: -1, topicID: e.topicID, cluster: c.id}
		}
		return at, nil
	}
	if s.group != "" { // where the group is; what is lost is found when it has said which partitions are ours
		all, err := begin()
		maps.Copy(at, all)
		maps.Copy(at, known)
		return at, err
	}
	moved := positions{}
	var gaps []gap
	last := lastPartitions(known)
	for tp, e := range c.partitions {
		p, ok := known[tp]
		if highest, before := last[tp.topic]; !ok && !before {
			// A topic that this destination never read: nothing of it was lost. One that a regular expression has come to match is read from
			// its first record.
			at[tp] = position{next: e.start, epoch: -1, topicID: e.topicID, cluster: c.id, fresh: true}
			if s.topics == nil || len(known) == 0 {
				all, err := begin()
				if err != nil {
					return nil, err
				}
				at[tp] = all[tp]
			}
			if s.start.latest || s.start.since != nil || at[tp].next > 0 { // the next run begins there too, if nothing comes in this one
				moved[tp] = at[tp]
			}
			continue
		} else if !ok {
			p = position{epoch: -1, topicID: e.topicID, cluster: c.id}
			if tp.partition < highest { // it was there, and empty
				p.next = e.start
			}
		}
		now, lost, err := s.judge(tp, p, c)
		if err != nil {
			return nil, err
		}
		if at[tp] = now; lost != nil {
			moved[tp], gaps = now, append(gaps, *lost)
			if o.Warn != nil {
				o.Warn(s.lossWarning(*lost))
			}
		}
	}
	return at, s.settle(ctx, db, moved, gaps, []string{d})
}

// open are the partitions of a stretch that have something to be read.
func (x *stretchToRead) open() []topicPartition {
	var out []topicPartition
	for tp, p := range x.from {
		if p.next < x.to[tp] {
			out = append(out, tp)
		}
	}
	return out
}
