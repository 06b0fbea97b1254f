package run

import (
	"context"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/pipeline/program"
)

// Bad records of a source stand in dsql.rejects without a destination, each once, whoever reads it how often. Their column taken has
// the destinations that have the record all the same, since it was replayed or read again when it was good; once all that read the
// source have it the reject is settled.

// sameRecord says that a reject k of a source is about the record b.
const sameRecord = `k.destination IS NULL AND k.source = {source} AND k.payload IS NOT DISTINCT FROM b._payload
	AND k.meta.file IS NOT DISTINCT FROM b._meta.file AND k.meta.line IS NOT DISTINCT FROM b._meta.line
	AND k.meta.topic IS NOT DISTINCT FROM b._meta.topic AND k.meta."partition" IS NOT DISTINCT FROM b._meta."partition"
	AND k.meta."offset" IS NOT DISTINCT FROM b._meta."offset"`

// accountSource writes the source's line and its bad records, and says how many of these stand there now that didn't before.
func (r *runner) accountSource(ctx context.Context, tx *duck.Tx, in *kind.Input, v int64) (kept int64, err error) {
	if in.Again {
		kept, err = r.keepAgain(ctx, tx, in, v)
	} else if in.Bad != nil && in.BadCount > 0 {
		kept, err = tx.Exec(ctx, keepBad(in, v, duck.SQL("")))
	}
	if err != nil {
		return 0, err
	}
	return kept, tx.Run(ctx, duck.SQL(`INSERT INTO dsql.version_rows (version, kind, name, rows_in, written, bad, skipped, origin)
		VALUES ({v}, 'source', {name}, {in}, {good}, {bad}, {skipped}, {origin})`,
		duck.Args{"v": v, "name": in.Source, "in": in.Records, "good": in.Good, "bad": in.BadCount, "skipped": in.Skipped, "origin": in.Origin}))
}

// keepBad writes the bad records of a batch, but for those that a join takes away.
func keepBad(in *kind.Input, v int64, but *duck.Query) *duck.Query {
	return duck.SQL(`INSERT INTO dsql.rejects (rejected_at, destination, source, rule, reason, meta, payload, data, version, original)
		SELECT {now}, NULL, {source}, NULL, b.reason, b._meta, b._payload, b.data, {v}, b.opening
		FROM {bad} b{but}`, duck.Args{"now": duck.Now, "source": in.Source, "v": v, "bad": in.Bad, "but": but})
}

// keepAgain is for records that were read before: what is kept already isn't kept twice, what its destinations gave up stands open
// again, and what is good by now is settled.
func (r *runner) keepAgain(ctx context.Context, tx *duck.Tx, in *kind.Input, v int64) (kept int64, err error) {
	a := duck.Args{"now": duck.Now, "source": in.Source, "bad": in.Bad, "id": in.RowID, "raw": in.Raw, "rows": in.Rows,
		"to": program.Texts(in.Destinations), "all": program.Texts(r.Readers(in.Source))}
	if in.Bad != nil && in.BadCount > 0 {
		if !in.Replayed {
			kept, err = tx.Exec(ctx, duck.SQL(`UPDATE dsql.rejects AS k SET replayed_at = NULL, taken = list_filter(k.taken, lambda d: NOT list_contains({to}, d))
				FROM {bad} b WHERE `+sameRecord+` AND (k.replayed_at IS NOT NULL OR list_has_any(k.taken, {to}))`, a))
			if err != nil {
				return 0, err
			}
		}
		n, err := tx.Exec(ctx, keepBad(in, v, duck.SQL(" ANTI JOIN dsql.rejects k ON "+sameRecord, a)))
		if kept += n; err != nil {
			return 0, err
		}
	}
	_, err = tx.Exec(ctx, duck.SQL(`UPDATE dsql.rejects AS k SET taken = list_distinct(list_concat(k.taken, {to})),
			replayed_at = CASE WHEN list_has_all(list_concat(k.taken, {to}), {all}) THEN {now} END
		FROM (SELECT _meta, _payload FROM (SELECT _meta, _payload, {id} AS i FROM {raw}) SEMI JOIN (SELECT {id} AS i FROM {rows}) USING (i)) b
		WHERE `+sameRecord+` AND k.replayed_at IS NULL`, a))
	return kept, err
}
