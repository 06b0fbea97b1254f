package kafka

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Compaction takes records away and leaves their offsets; what is left of a batch may be its header alone. The client steps over
// such offsets without saying so, and a run that waits for the last of them would wait for ever.

// behindHole is the first offset from next on that may hold a record.
func (p *poller) behindHole(ctx context.Context, tp topicPartition, next int64, e extent) (int64, error) {
	part, err := p.fetch(ctx, tp, next, e)
	if err != nil || part == nil {
		return next, err
	}
	if len(part.RecordBatches) == 0 { // there is nothing at all from here on
		return max(next, part.HighWatermark), nil
	}
	return firstRecord(part.RecordBatches, next), nil
}

// behindBatch is the offset behind the batch that holds next: where the one behind it begins, or what its header says. Either may be
// damaged; at least one offset is stepped over.
func (p *poller) behindBatch(ctx context.Context, tp topicPartition, next int64, e extent) int64 {
	part, err := p.fetch(ctx, tp, next, e)
	if err != nil || part == nil || len(part.RecordBatches) < 27 {
		return next + 1
	}
	b := part.RecordBatches
	size := int(int32(binary.BigEndian.Uint32(b[8:]))) + 12
	if size > 12 && size+8 <= len(b) {
		if behind := int64(binary.BigEndian.Uint64(b[size:])); behind > next && behind <= e.high {
			return behind
		}
	}
	if behind := int64(binary.BigEndian.Uint64(b)) + int64(int32(binary.BigEndian.Uint32(b[23:]))) + 1; b[16] == 2 && behind > next &&
		behind <= e.high {
		return behind
	}
	return next + 1
}

// fetch asks a partition's leader for what begins at an offset, as it stands there; nil when it gives nothing.
func (p *poller) fetch(ctx context.Context, tp topicPartition, next int64, e extent) (*kmsg.FetchResponseTopicPartition, error) {
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
		return nil, err
	}
	fetched, ok := res.(*kmsg.FetchResponse)
	if !ok {
		return nil, fmt.Errorf("the broker answered a fetch with %T", res)
	}
	for _, t := range fetched.Topics {
		for i := range t.Partitions {
			if t.Partitions[i].ErrorCode == 0 {
				return &t.Partitions[i], nil
			}
		}
	}
	return nil, nil
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
