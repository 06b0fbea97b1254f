package kafka

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"dsql/sql"
	"dsql/sql/code"
)

// What the client says of a partition is judged, whatever it is: either the brokers' answer tells where reading goes on (watch.go), or
// the partition can't be read on where it stands. Then the batch there is tried a few times more, in case the network has damaged it, and
// on_bad_batch decides: fail reads what else there is, and ends with the error; skip goes on behind the batch and notes a gap.

// judgeError decides what becomes of a partition that gave an error where it stands: behind is where reading goes on behind a bad batch,
// with the gap that this leaves; without it the partition is tried again, or it is dead.
func (p *poller) judgeError(ctx context.Context, tp topicPartition, pos position, e extent, err error) (behind position, g *gap) {
	s := p.sick.at(tp, pos.next)
	s.tries++
	var unpacked *kgo.ErrDecompressTooLarge
	var broker *kerr.Error
	switch {
	case errors.As(err, &unpacked):
	case errors.As(err, &broker) || errors.As(err, new(*kgo.ErrDataLoss)): // the look has found it in order
		if time.Since(s.since) > giveUp {
			why := err.Error()
			if broker != nil {
				why = "the brokers answer " + broker.Message + ": " + strings.TrimSuffix(broker.Description, ".")
			}
			p.standsStill(tp, s, why)
		}
		return pos, nil
	case s.tries < badAfter:
		return pos, nil
	}
	why := fmt.Sprintf("the batch at offset %d can't be read: %s", pos.next, badBatch(err))
	if p.r.s.onBadBatch == "skip" {
		g := &gap{topicPartition: tp, from: pos.next, to: p.behindBatch(ctx, tp, pos.next, e), reason: why, batch: true}
		return position{next: g.to, epoch: -1, topicID: pos.topicID, cluster: pos.cluster}, g
	}
	p.die(tp, p.r.s.Stmt.At(p.r.s.topicAt).Errorf(code.BadBatch, "%s partition %d: %s", tp.topic, tp.partition, why).
		WithHint("what stands before it, and in other partitions, was taken; on_bad_batch skip goes on behind it, and dsql.gaps notes what "+
			"is missing").
		WithCause(err))
	return pos, nil
}

// badBatch says what is wrong with a batch, without the client's way to say so.
func badBatch(err error) string {
	var unpacked *kgo.ErrDecompressTooLarge
	switch {
	case errors.As(err, &unpacked):
		return fmt.Sprintf("it unpacks to more than %d MiB", maxBatch>>20)
	case strings.Contains(err.Error(), "crc"):
		return "its checksum is wrong, so its bytes are damaged: " + err.Error()
	}
	return err.Error()
}

func (p *poller) die(tp topicPartition, e *sql.Error) {
	if p.sick.dead == nil {
		p.sick.dead = map[topicPartition]*sql.Error{}
	}
	p.sick.dead[tp] = e
}

// standsStill tells of a partition that doesn't move; a run that doesn't follow reads the others and ends with that.
func (p *poller) standsStill(tp topicPartition, s *standstill, why string) {
	e := p.r.s.Stmt.At(p.r.s.topicAt).Errorf(code.PartitionStuck, "%s partition %d has not moved from offset %d for %s, and there is more: %s",
		tp.topic, tp.partition, s.next, time.Since(s.since).Round(time.Second), why).
		WithHint("see the brokers' logs; nothing is lost, the next run goes on from here")
	switch {
	case !p.follow:
		p.die(tp, e)
	case s.told.Due(time.Now()):
		e.Hint = "see the brokers' logs; the run goes on with the other partitions, and with this one when it moves"
		p.r.warn(e)
	}
}

// stalled finds partitions that have more and don't move, though the client says nothing of them: those in front of a hole move over it.
func (p *poller) stalled(ctx context.Context, c *cluster) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for tp, pos := range p.at {
		e, ok := c.partitions[tp]
		end := p.x.to[tp]
		if p.follow {
			end = e.end
		}
		if !ok || pos.next >= end || e.end < end || p.sick.dead[tp] != nil {
			continue
		}
		s := p.sick.at(tp, pos.next)
		if quiet := !p.follow && time.Since(p.came) > lookQuiet; !quiet && time.Since(s.since) < lookEvery {
			continue
		}
		next, err := p.behindHole(ctx, tp, pos.next, e)
		switch {
		case err != nil:
			return nil // the next look tells whether the brokers are there
		case next > pos.next:
			pos.next = min(next, end)
			p.note(tp, pos)
		case s.tries == 0 && time.Since(s.since) > giveUp && p.sick.polls-s.polls > manyPolls:
			p.standsStill(tp, s, "the brokers have records there, and give none")
		}
	}
	return nil
}
