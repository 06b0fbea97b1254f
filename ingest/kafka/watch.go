package kafka

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"dsql/sql"
	"dsql/sql/code"
)

// watch asks the brokers what there is, from time to time and when nothing comes.
func (p *poller) watch(ctx context.Context) error {
	wait := lookEvery
	if time.Since(p.came) > lookQuiet && !p.follow || !p.away.IsZero() {
		wait = lookQuiet
	}
	if len(p.lost) > 0 {
		wait = lookSoon
	}
	if time.Since(p.looked) < wait {
		return nil
	}
	s := p.r.s
	c, err := s.look(ctx, p.r.env, p.r.connection, p.r.admin)
	p.looked = time.Now()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return p.outage(err)
	}
	if !p.away.IsZero() {
		p.r.warn(s.Stmt.Errorf(code.BrokerBack, "the brokers answer again after %s", time.Since(p.away).Round(time.Second)))
		p.away = time.Time{}
		p.told.Over()
	}
	if err := p.compare(ctx, c); err != nil {
		return err
	}
	return p.stalled(ctx, c)
}

// outage waits for brokers that are away: as long as it takes when following, else for giveUp.
func (p *poller) outage(err error) error {
	var e *sql.Error
	if errors.As(err, &e) && e.Code != code.UnknownTopic && e.Code != code.BrokerUnreachable {
		return err
	}
	if e == nil {
		e = p.r.connection.Unreachable(err)
	}
	if p.away.IsZero() {
		p.away = time.Now()
	}
	if p.follow && p.told.Due(time.Now()) {
		w := *e
		w.Hint = "waiting for them; the run goes on when they are back"
		if e.Code == code.UnknownTopic {
			w.Hint = "waiting for it; the run goes on when it is back"
		}
		p.r.warn(&w)
	}
	if !p.follow && time.Since(p.away) > giveUp || e.Code == code.LoginRefused {
		return e
	}
	return nil
}

// compare takes in what is new or other than it was.
func (p *poller) compare(ctx context.Context, c *cluster) error {
	dead := len(p.sick.dead)
	p.mu.Lock()
	d, failed := p.differences(ctx, c)
	if len(d.fresh)+len(d.moved) == 0 && dead == len(p.sick.dead) {
		p.mu.Unlock()
		return nil
	}
	if err := p.flushLocked(ctx); err != nil || failed != nil { // what was read before comes before
		p.mu.Unlock()
		return errors.Join(err, failed)
	}
	drop := map[string][]int32{}
	for _, m := range []positions{d.fresh, d.moved} {
		for tp, pos := range m {
			drop[tp.topic] = append(drop[tp.topic], tp.partition)
			p.at[tp] = pos
			delete(p.changed, tp)
		}
	}
	p.mu.Unlock()
	for _, g := range d.gaps {
		p.r.warn(p.r.s.lossWarning(g))
	}
	if len(d.moved) > 0 {
		if err := p.send(ctx, topicBatch{work: p.x, places: d.moved, gaps: d.gaps}); err != nil {
			return err
		}
	}
	p.consume(d, drop)
	return nil
}

// differences are the partitions that must be read from elsewhere: those that came later or can be read again (fresh), those of which
// something is lost (moved, and gaps tell what), and of these the ones whose batch is stepped over (skipped).
type differences struct {
	fresh, moved, skipped positions
	gaps                  []gap
}

// differences compares the positions with what the brokers have. p.mu is held.
func (p *poller) differences(ctx context.Context, c *cluster) (d differences, failed error) {
	d = differences{fresh: positions{}, moved: positions{}, skipped: positions{}}
	for tp, e := range c.partitions {
		pos, ok := p.at[tp]
		if !ok {
			if p.follow && p.r.group == nil { // a partition or topic that came later: from its first record
				d.fresh[tp] = position{next: e.start, epoch: -1, topicID: e.topicID, cluster: c.id}
			}
			continue
		}
		now, lost, err := p.r.s.judge(tp, pos, c)
		if failed = errors.Join(failed, err); lost == nil {
			pos, p.at[tp] = now, now
		}
		cause, told := p.lost[tp]
		if lost == nil && cause != nil && p.sick.dead[tp] == nil {
			if now, lost = p.judgeError(ctx, tp, pos, e, cause); lost != nil {
				d.skipped[tp] = now
			}
		}
		if lost != nil {
			d.moved[tp], d.gaps = now, append(d.gaps, *lost)
		} else if told {
			d.fresh[tp] = pos // consume it anew where it stands; not when it is dead
		}
	}
	p.lost = nil
	return d, failed
}

// consume lets the client go on where the positions are now.
func (p *poller) consume(d differences, drop map[string][]int32) {
	maps.Copy(d.fresh, d.moved)
	if p.r.group != nil {
		p.cl.SetOffsets(groupOffsets(d.fresh))
		for tp := range p.sick.dead {
			p.cl.PauseFetchPartitions(map[string][]int32{tp.topic: {tp.partition}})
		}
		return
	}
	for tp := range p.sick.dead {
		delete(d.fresh, tp)
	}
	p.cl.RemoveConsumePartitions(drop)
	if renewed := renewedTopics(d.gaps); len(renewed) > 0 { // the client remembers topics by their ids
		p.cl.PurgeTopicsFromClient(renewed...)
		p.mu.Lock()
		for tp, pos := range p.at {
			if slices.Contains(renewed, tp.topic) {
				d.fresh[tp] = pos
			}
		}
		p.mu.Unlock()
	}
	p.add(d.fresh)
	if len(d.skipped) > 0 { // the client stops at a batch that is too large unpacked
		p.cl.SetOffsets(groupOffsets(d.skipped))
	}
}

// renewedTopics are those that were created anew.
func renewedTopics(gaps []gap) (out []string) {
	for _, g := range gaps {
		if g.to < 0 && !slices.Contains(out, g.topic) {
			out = append(out, g.topic)
		}
	}
	return out
}
