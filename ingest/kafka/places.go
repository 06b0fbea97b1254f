package kafka

import (
	"context"
	"slices"
	"strings"

	"dsql/engine/duck"
)

// dsql.offsets has one row a source, destination and partition: the offset of the next record that the destination takes, and of
// which topic of which cluster that is, so that another one of the same name is not taken for it. dsql.gaps has one row for each
// stretch of a partition that was gone before it was read.

// topicPartition names a partition.
type topicPartition struct {
	topic     string
	partition int32
}

func byPartition(a, b topicPartition) int {
	if c := strings.Compare(a.topic, b.topic); c != 0 {
		return c
	}
	return int(a.partition) - int(b.partition)
}

// position is how far a partition has been read.
type position struct {
	next    int64
	epoch   int32 // of the leader that gave the record before it, -1 if unknown
	topicID string
	cluster string
	fresh   bool // the file has none: it is where a new destination begins
}

// positions are those of the partitions of a source.
type positions map[topicPartition]position

// places are how far each destination is, by its name.
func (s *Source) places(ctx context.Context, c *duck.Conn) (map[string]positions, error) {
	type row struct {
		destination string
		at          topicPartition
		position
	}
	rows, err := duck.Select(ctx, c,
		duck.SQL("SELECT destination, topic, partition, next_offset, leader_epoch, topic_id, cluster_id FROM dsql.offsets WHERE source = {s}",
			duck.Args{"s": s.Stmt.Name}),
		func(scan func(...any) error) (r row, err error) {
			return r, scan(&r.destination, &r.at.topic, &r.at.partition, &r.next, &r.epoch, &r.topicID, &r.cluster)
		})
	out := map[string]positions{}
	for _, r := range rows {
		if out[r.destination] == nil {
			out[r.destination] = positions{}
		}
		out[r.destination][r.at] = r.position
	}
	return out, err
}

// rejectedUpTo are the highest offsets of the bad records in dsql.rejects: up to there a partition was read before, even if no destination
// has a place in it any more.
func (s *Source) rejectedUpTo(ctx context.Context, c *duck.Conn) (map[topicPartition]int64, error) {
	type row struct {
		topicPartition
		offset int64
	}
	rows, err := duck.Select(ctx, c,
		duck.SQL(`SELECT meta.topic, meta."partition", max(meta."offset") FROM dsql.rejects
			WHERE destination IS NULL AND source = {s} AND meta.topic IS NOT NULL GROUP BY ALL`, duck.Args{"s": s.Stmt.Name}),
		func(scan func(...any) error) (r row, err error) { return r, scan(&r.topic, &r.partition, &r.offset) })
	out := map[topicPartition]int64{}
	for _, r := range rows {
		out[r.topicPartition] = r.offset
	}
	return out, err
}

// record writes places for destinations. version is nil for places that no batch brought.
func (s *Source) record(ctx context.Context, tx *duck.Tx, at positions, destinations []string, version *int64) error {
	if len(at) == 0 || len(destinations) == 0 {
		return nil
	}
	v := duck.SQL("NULL")
	if version != nil {
		v = duck.Lit(*version)
	}
	var rows, keys []*duck.Query
	for _, tp := range sortedPartitions(at) {
		p := at[tp]
		a := duck.Args{"s": s.Stmt.Name, "t": tp.topic, "p": int64(tp.partition), "next": p.next, "epoch": int64(p.epoch), "id": p.topicID,
			"cluster": p.cluster, "v": v}
		keys = append(keys, duck.SQL("({t}, {p})", a))
		for _, d := range destinations {
			a["d"] = d
			rows = append(rows, duck.SQL("({s}, {d}, {t}, {p}, {next}, {epoch}, {id}, {cluster}, {v})", a))
		}
	}
	names := duck.Each(", ", destinations, func(d string) *duck.Query { return duck.Lit(d) })
	return tx.Run(ctx,
		duck.SQL("DELETE FROM dsql.offsets WHERE source = {s} AND destination IN ({ds}) AND (topic, partition) IN ({keys})",
			duck.Args{"s": s.Stmt.Name, "ds": names, "keys": duck.Join(", ", keys...)}),
		duck.SQL("INSERT INTO dsql.offsets VALUES {rows}", duck.Args{"rows": duck.Join(", ", rows...)}))
}

// gap is a stretch of a partition that could not be read any more. Its end is not known where the topic is another one now.
type gap struct {
	topicPartition
	from, to int64 // to -1: unknown
	reason   string
	batch    bool // they are there, and can't be read
}

// settle notes gaps, and the places from which reading goes on.
func (s *Source) settle(ctx context.Context, c *duck.Conn, at positions, gaps []gap, destinations []string) error {
	if len(at) == 0 && len(gaps) == 0 {
		return nil
	}
	return c.Update(ctx, func(tx *duck.Tx) error {
		for _, g := range gaps {
			to := duck.SQL("NULL")
			if g.to >= 0 {
				to = duck.Lit(g.to)
			}
			if err := tx.Run(ctx, duck.SQL(`INSERT INTO dsql.gaps SELECT {s}, {t}, {p}, {from}, {to}, {why}, {now}
				WHERE NOT EXISTS (FROM dsql.gaps WHERE source = {s} AND topic = {t} AND partition = {p} AND from_offset = {from}
				AND to_offset IS NOT DISTINCT FROM {to} AND reason = {why})`,
				duck.Args{"now": duck.Now, "s": s.Stmt.Name, "t": g.topic, "p": int64(g.partition), "from": g.from, "to": to,
					"why": g.reason})); err != nil {
				return err
			}
		}
		return s.record(ctx, tx, at, destinations, nil)
	})
}

func sortedPartitions[V any](m map[topicPartition]V) []topicPartition {
	out := make([]topicPartition, 0, len(m))
	for tp := range m {
		out = append(out, tp)
	}
	slices.SortFunc(out, byPartition)
	return out
}
