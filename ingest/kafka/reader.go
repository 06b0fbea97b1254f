package kafka

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"dsql/connect"
	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/ingest/batch"
	"dsql/ingest/format"
	"dsql/ingest/format/json"
	"dsql/ingest/registry"
)

// Open contacts the cluster, decides where each destination goes on, and starts reading.
func (s *Source) Open(ctx context.Context, c *duck.Conn, env *kind.Env, cols []duck.Column, o kind.ReadOptions) (kind.Reader, error) {
	conn, err := s.dial(env)
	if err != nil {
		return nil, err
	}
	within, done := kind.UntilStop(ctx, o.Stop, 0)
	defer done()
	cl, err := conn.Dial(within, env)
	if err != nil {
		return nil, err
	}
	r := &reader{feed: &feed{s: s, cols: cols, env: env, connection: conn, db: c, o: o, admin: cl, ahead: make(chan topicBatch),
		news: make(chan struct{}, 1)}}
	r.grower.feed = r.feed
	fail := func(err error) (kind.Reader, error) {
		_ = r.Close()
		return nil, s.reachError(conn, err)
	}
	seen, err := s.look(within, env, conn, cl)
	if err != nil {
		return fail(err)
	}
	if err := s.lookForRejects(within, conn, cl); err != nil {
		return fail(err)
	}
	if r.work, err = s.plan(within, c, cl, seen, o); err != nil {
		return fail(err)
	}
	for i := range r.work {
		r.work[i].headers = passing(r.work[i].destinations, o.Headers)
	}
	if !o.Follow && s.group == "" && !slices.ContainsFunc(r.work, func(x stretchToRead) bool { return len(x.open()) > 0 }) {
		return r, nil // nothing new: no buffers are needed
	}
	if r.rejected, err = s.rejectedUpTo(ctx, c); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	if r.landing, err = s.land(c, conn, cols); err != nil {
		return fail(err)
	}
	r.quiet = s.wait
	ctx, r.cancel = context.WithCancel(ctx)
	r.running.Add(1)
	go r.readAhead(ctx)
	return r, nil
}

// land makes the landing of the source's records.
func (s *Source) land(c *duck.Conn, conn *connect.Connection, cols []duck.Column) (*batch.Landing, error) {
	d := s.dialect
	d.Topics = &batch.Topics{JSON: json.Keys, Many: s.topics != nil}
	fields := s.fields(cols)
	keyed := slices.ContainsFunc(fields, func(f batch.Field) bool { return f.Key })
	if s.format.Registered != nil || (keyed || s.format.Registry) && conn != nil && conn.HasRegistry() {
		of, err := conn.Registry()
		if err != nil {
			return nil, err
		}
		d.Topics.Values, d.Topics.Keys = registry.Schemas(of, registry.ValueSubject(s.topic)), registry.Schemas(of, registry.KeySubject(s.topic))
		d.Topics.Formats = format.OfKeys()
	}
	l, err := batch.NewLanding(c, s.Stmt.Name, fields, d, s.limits)
	return l, s.Placed(err, s.Stmt.NameAt)
}

// reader hands out a source's batches. One goroutine polls the brokers and fills the next batch while the last is written; it
// alone touches the landing between Open and Close, but for the callbacks of a group, which hold mu.
type reader struct {
	*feed
	grower   grower
	rejected map[topicPartition]int64 // see rejectedUpTo
	cancel   context.CancelFunc
	commits  committer
	sawEnd   bool
}

func (r *reader) Close() error {
	if r.cancel != nil {
		r.cancel()
		for b := range r.ahead { // the goroutine ends and closes the channel
			if b.buf != nil {
				b.buf.Release()
			}
		}
		r.running.Wait()
	}
	select {
	case <-r.o.Stop:
		r.commits.end()
	default:
	}
	r.commits.idle.Wait()
	if r.admin != nil {
		r.admin.Close()
	}
	if r.landing != nil {
		r.landing.Close()
	}
	return nil
}

func (r *reader) Next(ctx context.Context) (*kind.Input, error) {
	for {
		r.told.Lock()
		said := r.warnings
		r.warnings = nil
		r.told.Unlock()
		for _, e := range said {
			if r.o.Warn != nil {
				r.o.Warn(e)
			}
		}
		if r.cancel == nil {
			return nil, io.EOF
		}
		b, err := r.receive(ctx)
		switch {
		case errors.Is(err, errNews):
			continue
		case err != nil:
			return nil, err
		}
		switch {
		case b.buf != nil:
			return r.input(ctx, b)
		case b.atEnd:
			r.sawEnd = true
			return nil, io.EOF
		default:
			if b.work.replay {
				b.places = nil
			}
			if err := r.s.settle(ctx, r.db, b.places, b.gaps, b.work.destinations); err != nil {
				return nil, err
			}
			r.tell(ctx, b)
		}
	}
}

// receive waits for the next batch; not when it follows and has come to the end.
func (r *reader) receive(ctx context.Context) (topicBatch, error) {
	if r.o.Follow && r.sawEnd {
		select {
		case b, ok := <-r.ahead:
			if !ok {
				return b, r.end
			}
			return b, nil
		default:
			return topicBatch{}, kind.ErrIdle
		}
	}
	select {
	case b, ok := <-r.ahead:
		if !ok {
			return b, r.end
		}
		return b, nil
	case <-r.news:
		return topicBatch{}, errNews
	case <-r.o.Stop:
		return topicBatch{}, kind.ErrIdle
	case <-ctx.Done():
		return topicBatch{}, ctx.Err()
	}
}

// errNews: there are warnings to hand on.
var errNews = errors.New("warnings")

// input completes a batch with what only the source knows. Where that fails the batch is given back.
func (r *reader) input(ctx context.Context, b topicBatch) (*kind.Input, error) {
	s, in := r.s, b.buf.Input()
	in.Source, in.Destinations, in.Again, in.Replayed = s.Stmt.Name, b.work.destinations, b.work.again, b.work.replay
	for _, x := range b.buf.Runs {
		last, ok := r.rejected[topicPartition{x.Topic, x.Partition}]
		in.Again = in.Again || ok && x.First <= last
	}
	in.Origin, in.AtEnd = originOfRuns(b.buf.Runs), b.ended
	in.Commit = func(ctx context.Context, tx *duck.Tx, v int64) error {
		if b.work.replay {
			return nil
		}
		return s.record(ctx, tx, b.places, b.work.destinations, &v)
	}
	if b.work.last {
		in.Committed = func(ctx context.Context) { r.tell(ctx, b) }
	}
	release := in.Release
	in.Release = func() {
		release()
		if b.work.last && r.group != nil {
			r.group.written()
		}
	}
	if err := s.BadRecords(ctx, r.db, in); err != nil {
		in.Release()
		return nil, err
	}
	if err := r.grower.grow(ctx, in); err != nil {
		in.Release()
		return nil, err
	}
	if r.o.Progress != nil {
		r.o.Progress(kind.Progress{Source: s.Stmt.Name, Item: in.Origin})
	}
	return in, nil
}

// tell lets the group know how far the file is.
func (r *reader) tell(ctx context.Context, b topicBatch) {
	switch {
	case !b.work.last:
	case r.group != nil:
		r.group.commit(ctx, b.places)
	default:
		r.commits.later(r.admin, r.s.groupName(r.db.DB.Path), b.places)
	}
}

func originOfRuns(runs []*batch.Run) string {
	ordered := slices.Clone(runs)
	slices.SortFunc(ordered, func(a, b *batch.Run) int {
		return byPartition(topicPartition{a.Topic, a.Partition}, topicPartition{b.Topic, b.Partition})
	})
	var parts []string
	for i, r := range ordered {
		if i == 3 && len(ordered) > 4 {
			parts = append(parts, fmt.Sprintf("and %d more partitions", len(ordered)-3))
			break
		}
		parts = append(parts, fmt.Sprintf("%s[%d] %d–%d", r.Topic, r.Partition, r.First, r.Next-1))
	}
	return strings.Join(parts, ", ")
}

// committer tells the brokers how far a source without a group has come, so that tools that show the lag of groups show it too.
// Only the newest places are sent; nothing waits for it, and nothing depends on it.
type committer struct {
	mu      sync.Mutex
	places  positions
	group   string
	sending bool
	idle    sync.WaitGroup
	ends    chan struct{} // closed: nobody waits for the brokers any more
	once    sync.Once
}

// commitTime is how long the brokers may take for a commit; the last one less, so that a run ends where they are away.
const (
	commitTime     = 5 * time.Second
	lastCommitTime = 700 * time.Millisecond
)

// end lets what is sent have a little time more.
func (c *committer) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if ends := c.ends; ends != nil {
		c.once.Do(func() { time.AfterFunc(lastCommitTime, func() { close(ends) }) })
	}
}

func (c *committer) later(cl *kgo.Client, group string, at positions) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.places == nil {
		c.places = positions{}
	}
	if c.ends == nil {
		c.ends = make(chan struct{})
	}
	for tp, p := range at {
		c.places[tp] = p
	}
	c.group = group
	if !c.sending {
		c.sending = true
		c.idle.Add(1)
		go c.send(cl)
	}
}

func (c *committer) send(cl *kgo.Client) {
	defer c.idle.Done()
	for {
		c.mu.Lock()
		at := c.places
		c.places = nil
		if at == nil {
			c.sending = false
			c.mu.Unlock()
			return
		}
		group := c.group
		c.mu.Unlock()
		offsets := kadm.Offsets{}
		for tp, p := range at {
			offsets.Add(kadm.Offset{Topic: tp.topic, Partition: tp.partition, At: p.next, LeaderEpoch: p.epoch})
		}
		within, done := context.WithTimeout(context.Background(), commitTime)
		ctx, cancel := kind.UntilStop(within, c.ends, 0)
		_, _ = kadm.NewClient(cl).CommitOffsets(ctx, group, offsets) // the next commit says more; the file holds the truth
		cancel()
		done()
	}
}
