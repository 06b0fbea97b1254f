package kafka

import (
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"dsql/connect"
	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/ingest/batch"
	"dsql/sql"
)

// feed is what a reader has in common with the goroutine that polls for it.
type feed struct {
	s          *Source
	cols       []duck.Column
	env        *kind.Env
	connection *connect.Connection
	db         *duck.Conn
	o          kind.ReadOptions
	admin      *kgo.Client // asks what there is; commits for sources without a group
	work       []stretchToRead
	landing    *batch.Landing
	quiet      time.Duration // batch_time
	running    sync.WaitGroup
	ahead      chan topicBatch
	end        error       // why ahead is closed: io.EOF when all was read
	group      *membership // of the stretch in hand, nil without a group

	told     sync.Mutex
	warnings []*sql.Error // said by the goroutine, handed on by Next
	news     chan struct{}
}

// topicBatch is a filled buffer and what it holds; or, without a buffer, news for the file.
type topicBatch struct {
	work   *stretchToRead
	buf    *batch.Buffer
	places positions // behind it
	gaps   []gap
	atEnd  bool               // the end that was seen when the reader was opened
	ended  map[kind.Part]bool // see kind.Input.AtEnd
}

// warn hands a warning on at the next Next.
func (r *feed) warn(e *sql.Error) {
	r.told.Lock()
	r.warnings = append(r.warnings, e)
	r.told.Unlock()
	select {
	case r.news <- struct{}{}:
	default:
	}
	r.wake()
}

func (r *feed) wake() {
	if r.o.Wake != nil {
		r.o.Wake()
	}
}
