package ingest

import (
	"context"
	"encoding/base64"
	"encoding/binary"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Compaction takes records away and leaves their offsets; what is left of a batch may be its header alone. The client steps over
// such offsets without saying so, and a run that waits for the last of them would wait for ever.

// skipHoles moves positions over offsets that hold no record, where a partition has not come to its end and nothing comes.
func (p *poller) skipHoles(ctx context.Context, c *cluster) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for tp, pos := range p.at {
		e, ok := c.partitions[tp]
		if end := p.x.to[tp]; !ok || pos.next >= end || e.end < end {
			continue
		}
		next, err := p.behindHole(ctx, tp, pos.next, e)
		if err != nil {
			return nil // the next look tells whether the brokers are there
		}
		if next > pos.next {
			pos.next = min(next, p.x.to[tp])
			p.note(tp, pos)
		}
	}
	return nil
}

// behindHole is the first offset from next on that may hold a record.
func (p *poller) behindHole(ctx context.Context, tp topicPartition, next int64, e extent) (int64, error) {
	req := kmsg.NewPtrFetchRequest()
	req.ReplicaID, req.MaxWaitMillis, req.MinBytes, req.MaxBytes, req.IsolationLevel = -1, 200, 1, 1<<20, 0
	t := kmsg.NewFetchRequestTopic()
	t.Topic = tp.topic
	if id, err := base64.StdEncoding.DecodeString(e.topicID); err == nil && len(id) == 16 {
		copy(t.TopicID[:], id)
	}
	part := kmsg.NewFetchRequestTopicPartition()
	part.Partition, part.FetchOffset, part.PartitionMaxBytes, part.CurrentLeaderEpoch = tp.partition, next, 1<<20, -1
	t.Partitions = append(t.Partitions, part)
	req.Topics = append(req.Topics, t)
	res, err := p.r.admin.Broker(int(e.leader)).Request(ctx, req)
	if err != nil {
		return next, err
	}
	for _, t := range res.(*kmsg.FetchResponse).Topics {
		for _, part := range t.Partitions {
			if part.ErrorCode == 0 {
				next = firstRecord(part.RecordBatches, next)
				if len(part.RecordBatches) == 0 { // there is nothing at all from here on
					next = max(next, part.HighWatermark)
				}
			}
		}
	}
	return next, nil
}

// firstRecord steps over the batches without records that a fetch from an offset begins with (the v2 format, KIP-98: base offset 8
// bytes, length 4, …, last offset delta 4 at 23, …, number of records 4 at 57).
func firstRecord(batches []byte, next int64) int64 {
	const header = 61
	for len(batches) >= header {
		base := int64(binary.BigEndian.Uint64(batches))
		size := int(binary.BigEndian.Uint32(batches[8:])) + 12
		last := base + int64(binary.BigEndian.Uint32(batches[23:]))
		if batches[16] != 2 || size < header {
			return next
		}
		if last >= next && binary.BigEndian.Uint32(batches[57:]) > 0 {
			return max(next, base)
		}
		next = max(next, last+1)
		if size > len(batches) {
			return next
		}
		batches = batches[size:]
	}
	return next
}
