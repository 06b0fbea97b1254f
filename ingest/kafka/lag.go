package kafka

import (
	"context"
	"maps"
	"slices"

	"dsql/engine/catalog"
	"dsql/engine/duck"
	"dsql/engine/kind"
)

// Lag has a row for each destination and partition: the next offset, the end that the brokers tell now, and how many records lie
// between, as tools count that show the lag of groups. (With transactions and compaction fewer: their offsets aren't all records.) The end
// is NULL when they don't answer. in_transaction are those from the first transaction on that is still open: nobody reads them before it
// ends.
func (s *Source) Lag(ctx context.Context, c *duck.Conn, env *kind.Env) (*duck.Query, error) {
	stored, err := s.places(ctx, c)
	if err != nil {
		return nil, err
	}
	ends, reached := s.ends(ctx, env)
	group := s.groupName(c.DB.Path)
	if of := catalog.SnapshotOf(ctx, c); of != "" {
		group = s.groupName(of)
	}
	rows := []*duck.Query{duck.SQL("SELECT NULL::VARCHAR AS source, NULL::VARCHAR AS destination, NULL::VARCHAR AS topic, NULL::INTEGER AS " +
		"partition, NULL::BIGINT AS next_offset, NULL::BIGINT AS end_offset, NULL::BIGINT AS lag, NULL::BIGINT AS in_transaction, " +
		"NULL::VARCHAR AS \"group\" WHERE false")}
	for _, d := range slices.Sorted(maps.Keys(stored)) {
		for _, tp := range sortedPartitions(stored[d]) {
			p := stored[d][tp]
			end, lag, open := duck.SQL("NULL"), duck.SQL("NULL"), duck.SQL("NULL")
			if e, ok := ends[tp]; ok {
				end, lag, open = duck.Lit(e.high), duck.Lit(max(e.high-p.next, 0)), duck.Lit(e.high-e.end)
			}
			rows = append(rows, duck.SQL("SELECT {s}, {d}, {t}, {p}, {next}, {end}, {lag}, {open}, {g}",
				duck.Args{"s": s.Stmt.Name, "d": d, "t": tp.topic, "p": int64(tp.partition), "next": p.next, "end": end, "lag": lag, "open": open,
					"g": group}))
		}
	}
	return duck.Join(" UNION ALL ", rows...), reached
}

// ends asks the brokers.
func (s *Source) ends(ctx context.Context, env *kind.Env) (map[topicPartition]extent, error) {
	conn, err := s.dial(env)
	if err != nil {
		return nil, err
	}
	cl, err := conn.Dial(ctx, env)
	if err != nil {
		return nil, err
	}
	defer cl.Close()
	now, err := s.look(ctx, env, conn, cl)
	if err != nil {
		return nil, s.reachError(conn, err)
	}
	return now.partitions, nil
}
