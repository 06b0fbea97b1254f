package kind

import "time"

// Reminder says when to tell of something that lasts: at first, and then once a minute. The zero Reminder has told nothing.
type Reminder struct{ last time.Time }

// Due says whether it is to be told at a time, and takes it as told.
func (r *Reminder) Due(now time.Time) bool {
	if !r.last.IsZero() && now.Sub(r.last) < time.Minute {
		return false
	}
	r.last = now
	return true
}

// Over ends it: what comes later is told at once.
func (r *Reminder) Over() { r.last = time.Time{} }
