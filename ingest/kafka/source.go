// Package kafka owns the sources that read topics, and their places.
//
// The way of a record: the cluster is asked what there is (cluster.go), what destinations lack is planned (plan.go), polled (poll.go) and
// taken into a batch (take.go), which goes over a feed (feed.go) to the reader (reader.go), and to the pipeline. A poller (poller.go) sees
// to what goes wrong with the brokers or a partition (watch.go, sick.go, holes.go). A group shares partitions (group.go, membership.go).
package kafka

import (
	"context"
	"errors"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"dsql/connect"
	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/ingest/batch"
	"dsql/ingest/declare"
	"dsql/sql"
)

// Source is a compiled CREATE SOURCE … FROM KAFKA.
type Source struct {
	declare.Declaration
	at         sql.Span // of FROM KAFKA's options
	connection sql.Name // "": brokers
	brokers    *connect.Connection
	topic      string
	topicAt    sql.Span
	topics     *regexp.Regexp // instead of topic
	format     *batch.Format
	start      start
	group      string
	onLoss     string // fail, earliest, latest
	onBadBatch string // fail, skip
	limits     batch.Limits
	// rejectTopic gets what is rejected; "": none
	rejectTopic sql.Name
	wait        time.Duration // batch_time; 0: as the run needs it
	dialect     batch.Dialect
	samples     *declare.Samples
}

// start is where a destination begins that has no place in a topic yet.
type start struct {
	latest bool
	since  *time.Time // nil: none
}

// fields are the columns as the decoders see them.
func (s *Source) fields(cols []duck.Column) []batch.Field {
	out := s.Declaration.Fields(cols)
	for i, f := range out {
		d := s.Column(f.Name)
		if d == nil || !f.Key {
			continue
		}
		if out[i].Path = nil; d.Args["FROM KEY"].Text != "" {
			out[i].Path, _ = declare.Path(d.Args["FROM KEY"].Text)
		}
	}
	return out
}

// dial is the connection that the source reads over.
func (s *Source) dial(env *kind.Env) (*connect.Connection, error) {
	if s.brokers != nil {
		return s.brokers, nil
	}
	return connect.Find(env, s.Stmt.Src, s.connection)
}

// Continues says whether a source reads the topics that another one reads, so that its places are those of the other.
func (s *Source) Continues(other kind.Object) bool {
	o, ok := other.(*Source)
	if !ok || s.topic != o.topic || (s.topics == nil) != (o.topics == nil) || s.topics != nil && s.topics.String() != o.topics.String() ||
		(s.brokers == nil) != (o.brokers == nil) {
		return false
	}
	if s.brokers != nil {
		return s.brokers.Same(o.brokers)
	}
	return sql.Same(s.connection.Text, o.connection.Text)
}

// groupName is the consumer group that shows the source's places to other tools.
func (s *Source) groupName(path string) string {
	if s.group != "" {
		return s.group
	}
	file := strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	return "dsql." + file + "." + s.Stmt.Name
}

// reachError says of an error of the client's what it means to the user.
func (s *Source) reachError(conn *connect.Connection, err error) error {
	var e *sql.Error
	var list sql.List
	if errors.As(err, &e) || errors.As(err, &list) || errors.Is(err, context.Canceled) {
		return err
	}
	return conn.Unreachable(err)
}
