package duck

import (
	"context"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// state tells states of a file apart, for those who keep what they read of one.
type state struct {
	epoch atomic.Uint64
	users atomic.Int64                  // statements of users that run on the writer
	mu    sync.Mutex                    // one connection commits at a time: the epoch is odd meanwhile
	over  atomic.Pointer[chan struct{}] // closed when the commit that is on its way, or was the last, is over
	moves atomic.Uint64
	log   atomic.Int64 // bytes of the write-ahead log after the last commit
}

// userEpoch is a multiple that transactions come to late: by what is above it statements of the user's are told from transactions.
const userEpoch = 1 << 40

// userRuns is a bit of an epoch that isn't one: a statement of the user's runs, which may change anything.
const userRuns = 1<<63 | 1

// Epoch tells states of the file apart: it is another one after each transaction of Update, and odd while one commits. What a statement
// read that began and had its first rows within one even epoch is the state of that epoch. A statement of the user's on the writer, which
// may change anything, moves it on by userEpoch; while it runs no epoch is next to the one before.
func (db *DB) Epoch() uint64 {
	if db.state.users.Load() > 0 {
		return db.state.epoch.Load() | userRuns
	}
	return db.state.epoch.Load()
}

// Settled waits while a transaction of Update commits, for as long as most. It is false where that takes longer, and where what may change the
// file is a statement of a user's, which takes as long as it likes.
func (db *DB) Settled(ctx context.Context, most time.Duration) bool {
	switch e := db.Epoch(); {
	case e&userRuns == userRuns:
		return false
	case e%2 == 0:
		return true
	}
	wait := time.NewTimer(most)
	defer wait.Stop()
	select {
	case <-*db.state.over.Load():
		return true
	case <-wait.C:
	case <-ctx.Done():
	}
	return false
}

// Changes is how many statements of users an epoch is behind.
func Changes(epoch uint64) uint64 { return epoch &^ userRuns / userEpoch }

func (db *DB) commits(f func() error) error {
	s := &db.state
	s.mu.Lock()
	defer s.mu.Unlock()
	over := make(chan struct{})
	s.over.Store(&over)
	s.epoch.Add(1)
	defer func() {
		s.epoch.Add(1)
		close(over)
	}()
	defer func() {
		size, was := db.logSize(), s.log.Load()
		if size < was || size == 0 { // a checkpoint empties the log, which a commit makes longer
			s.moves.Add(1)
		}
		s.log.Store(size)
	}()
	return f()
}

// user says that a statement of the user's runs, until what it returns is called.
func (db *DB) user() (done func()) {
	db.state.users.Add(1)
	return func() {
		db.state.epoch.Add(userEpoch)
		db.state.users.Add(-1)
	}
}

// Moves tells apart times between which a checkpoint may have given rows other rowids: as long as it is the same none has. It holds for
// transactions of Update and for Checkpoint; what a user's statement does is in the Epoch.
func (db *DB) Moves() uint64 {
	was := db.state.log.Load() // before the size, and that before the moves: a commit writes them the other way round
	if size := db.logSize(); size < was {
		return db.state.moves.Load() + 1
	}
	return db.state.moves.Load()
}

// logSize is asked of the file's name: to open and close the file would give up DuckDB's lock.
func (db *DB) logSize() int64 {
	info, err := os.Stat(db.Path + ".wal")
	if err != nil {
		return 0
	}
	return info.Size()
}

// Checkpoint writes the log into the file.
func (c *Conn) Checkpoint(ctx context.Context) error {
	return c.DB.commits(func() error {
		c.DB.state.moves.Add(1)
		defer c.DB.state.moves.Add(1)
		return c.Run(ctx, SQL("CHECKPOINT"))
	})
}
