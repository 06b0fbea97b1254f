package kafka

import (
	"time"

	"dsql/engine/kind"
	"dsql/sql"
)

// sickness is what a poller knows of partitions that stand still.
type sickness struct {
	polls int
	still map[topicPartition]*standstill
	dead  map[topicPartition]*sql.Error // no longer read; why
}

// standstill is a partition that has more than was read, at a position that doesn't move.
type standstill struct {
	next  int64
	since time.Time
	polls int
	tries int // that ended with an error
	told  kind.Reminder
}

// at is the standstill of a partition; a new one when it has moved.
func (x *sickness) at(tp topicPartition, next int64) *standstill {
	if x.still == nil {
		x.still = map[topicPartition]*standstill{}
	}
	s := x.still[tp]
	if s == nil || s.next != next {
		s = &standstill{next: next, since: time.Now(), polls: x.polls}
		x.still[tp] = s
	}
	return s
}

// errors are those of the partitions that are no longer read.
func (x *sickness) errors() error {
	var list sql.List
	for _, tp := range sortedPartitions(x.dead) {
		list = append(list, x.dead[tp])
	}
	return list.Err()
}

// badAfter is how often a batch is tried.
const badAfter = 3

// manyPolls are enough for the client to have asked for every partition, however much comes of the others.
const manyPolls = 60
