package page

// Sent is what came of rejects that a button sent through the chain again. It doesn't change once it is drawn.
type Sent struct {
	ID        string
	Statement string
	Running   bool // the writer is at it, or will be
	Unknown   bool // nothing is known of it any more
	Rows      []SentRows
	Bad       int64 // records that still can't be read
	Warnings  []string
	Wrong     string // an error ended it
}

// SentRows is what a destination made of them: In = Written + Rejected + Dropped.
type SentRows struct {
	Name                           string
	In, Written, Rejected, Dropped int64
}

// Nothing was there to be sent.
func (s *Sent) Nothing() bool {
	return !s.Running && !s.Unknown && s.Wrong == "" && s.Bad == 0 && len(s.Rows) == 0 && len(s.Warnings) == 0
}

// Replays is where the button of a filter leads: a form's own fields wouldn't come back as they are.
func (s *Site) Replays(f Filter) string { return s.address("rejects/replay", f.pairs()...) }

// SentTo is the view of a filter with what came of it.
func (s *Site) SentTo(f Filter, id string) string {
	return s.address("rejects", append(f.pairs(), "sent", id)...)
}
