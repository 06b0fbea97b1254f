package ingest

import (
	"dsql/engine/kind"
	"dsql/sql"
)

// Continues says whether a source reads the topics that another one reads, so that its places are those of the other.
func (s *kafkaSource) Continues(other kind.Object) bool {
	o, ok := other.(*kafkaSource)
	if !ok || s.topic != o.topic || (s.topics == nil) != (o.topics == nil) || s.topics != nil && s.topics.String() != o.topics.String() ||
		(s.brokers == nil) != (o.brokers == nil) {
		return false
	}
	if s.brokers != nil {
		return s.brokers.Same(o.brokers)
	}
	return sql.Same(s.connection.Text, o.connection.Text)
}

// Continues says whether a source reads the files that another one reads.
func (s *fileSource) Continues(other kind.Object) bool {
	o, ok := other.(*fileSource)
	return ok && s.pattern.text == o.pattern.text && s.snapshot == o.snapshot
}
