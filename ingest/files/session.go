package files

import (
	"time"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/ingest/batch"
)

// session is what a run finds out about a source: it is made when the run first looks at the source, and ends with the run. Readers that
// follow each other in a run share it.
type session struct {
	*Source
	env *kind.Env

	found    *batch.Found    // CSV: what the file was found to be that columns were inferred from; nil: none was, or kept has it
	inferred string          // the file that the columns were found in, just now
	kept     *batch.Found    // CSV: what dsql.dialects has; nil: not asked yet
	keeping  *batch.Found    // what the batch in hand writes there; nil: nothing
	scanned  *scan           // ON SCHEMA CHANGE ADD COLUMNS: what Columns has seen; nil: nothing
	looks    map[string]look // with --follow: when a file was first seen as it is
}

// scan is what ON SCHEMA CHANGE ADD COLUMNS has seen: files as they were, and the columns that came of them.
type scan struct {
	files []file // all of the listing
	fresh []file // those that were looked at
	cols  []duck.Column
}

// look is how a file was seen, and since when.
type look struct {
	size     int64
	modified time.Time
	since    time.Time
	told     bool // that min_age keeps it back
}

// in is what the run of env knows of the source.
func (s *Source) in(env *kind.Env) *session {
	return kind.Known(env, s, func() *session { return &session{Source: s, env: env} })
}

// effective is the declared dialect with what the files were found to be.
func (x *session) effective() batch.Dialect {
	d := x.dialect
	switch {
	case x.found != nil:
		d.Found = x.found
	case x.kept != nil:
		if d.Seen = x.kept.Header; x.Defs == nil {
			d.Found = x.kept
		}
	}
	return d
}
