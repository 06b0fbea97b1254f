package serve

import (
	"sync"
	"time"

	"dsql/pipeline/event"
	"dsql/sql"
	"dsql/sql/code"
)

// state is how the writer is, for /readyz and /v1/status. Its words are starting, catching up, following, idle (nothing more is read), gate
// closed, away (a broker or file), failed, reopening, stopping.
type state struct {
	mu       sync.Mutex
	word     string
	why      string
	since    time.Time
	away     map[string]string // what can't be reached, and why, while the run goes on
	versions int64             // committed by this process
	records  int64
	rejected int64
	last     time.Time // of the last version
	warnings int64
	warned   *sql.Error
	failed   *sql.Error // what ended the last run; nil: nothing
	told     func(word, why string)
}

// ready are the states in which the file is as new as it gets.
var ready = map[string]bool{"following": true, "idle": true}

func (s *state) set(word, why string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.word == "stopping" {
		return
	}
	if s.word != word {
		s.since = time.Now()
	}
	if s.word, s.why = word, why; s.told != nil {
		s.told(word, why)
	}
}

// is the state in a word, and why it is so; a broker that is away counts while its source is followed.
func (s *state) is() (word, why string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.word == "following" {
		for _, why := range s.away {
			return "away", why
		}
	}
	return s.word, s.why
}

// started says that a run begins.
func (s *state) started(word string) {
	s.set(word, "")
	s.mu.Lock()
	defer s.mu.Unlock()
	s.away, s.failed = map[string]string{}, nil
}

// ended says what a run ended in.
func (s *state) ended(err *sql.Error) {
	switch {
	case err == nil:
		s.set("idle", "")
	case err.ExitCode() == code.ExitGate:
		s.set("gate closed", err.Error())
	case err.ExitCode() == code.ExitUnreachable:
		s.set("away", err.Error())
	default:
		s.set("failed", err.Error())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failed = err
}

// event keeps what the run tells.
func (s *state) event(e event.Event) {
	if _, ok := e.(event.Following); ok {
		s.set("following", "")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch e := e.(type) {
	case event.Following:
		s.away, s.failed = map[string]string{}, nil
	case event.BatchCommitted:
		s.versions++
		s.records += e.Records
		s.last = time.Now()
		for _, d := range e.Rows {
			s.rejected += d.Rejected
		}
		if e.Source != "" {
			delete(s.away, e.Source)
		}
	case event.Warned:
		s.warnings++
		s.warned = e.Err
		switch e.Err.Code {
		case code.BrokerUnreachable:
			s.away[e.Err.Msg] = e.Err.Error()
		case code.BrokerBack:
			clear(s.away)
		}
	}
}
