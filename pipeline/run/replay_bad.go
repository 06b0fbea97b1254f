package run

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/pipeline/program"
	"dsql/sql"
	"dsql/sql/code"
)

// Bad records are replayed from their bytes: decoded anew by the declaration of now, and sent to those destinations of the source that
// have come past them and don't have them. One that is bad still stands there as before, with the reason of now.

const (
	badTable   = "_dsql_bad"       // id, meta, payload, original and "to", the destinations
	nowTable   = "_dsql_bad_now"   // those of the batch in hand
	usingTable = "_dsql_bad_using" // id, payload: of REPLAY … USING
)

// badAtOnce is how many are decoded into a version at most.
const badAtOnce = 50_000

// hasPassed holds where a destination d.name has come past the record of a reject k.
const hasPassed = `(EXISTS (FROM dsql.files f WHERE f.source = k.source AND f.destination = d.name AND f.path = k.meta.file
		AND (f.done OR CASE WHEN k.meta."offset" IS NULL THEN f.next_line > k.meta.line ELSE f.next_byte > k.meta."offset" END))
	OR EXISTS (FROM dsql.offsets o WHERE o.source = k.source AND o.destination = d.name AND o.topic = k.meta.topic
	AND o.partition = k.meta."partition" AND o.next_offset > k.meta."offset"))`

// replayBad replays the rejects of a source that meet a condition.
func (r *runner) replayBad(ctx context.Context, d *sql.Decl, n *program.Node, where *duck.Query, using bool) error {
	a := duck.Args{"t": duck.Ident(badTable), "source": n.Name, "where": where, "names": program.Texts(r.Readers(n.Name)),
		"using": usedPayloads(using)}
	err := r.Conn.Run(ctx, duck.SQL(`CREATE OR REPLACE TEMP TABLE {t} AS
		WITH k AS (SELECT * FROM dsql.rejects WHERE destination IS NULL AND source = {source} AND replayed_at IS NULL AND ({where})),
			d AS (SELECT unnest({names}) AS name, generate_subscripts({names}, 1) AS i),
			wanting AS (SELECT k.id, list(d.name ORDER BY d.i) AS "to" FROM k, d
			WHERE NOT coalesce(list_contains(k.taken, d.name), false) AND `+hasPassed+` GROUP BY k.id)
		SELECT k.id, k.meta, coalesce(u.payload, k.payload) AS payload, k.original, w."to" FROM k JOIN wanting w USING (id) LEFT JOIN {using} u USING (id)
		WHERE u.id IS NOT NULL OR NOT starts_with(k.reason, 'bad_record: record_too_large')`, a))
	if err != nil {
		return err
	}
	return r.redecode(ctx, d, n, func(ids *duck.Query, to []string) *duck.Query {
		return duck.SQL(`UPDATE dsql.rejects SET taken = list_distinct(list_concat(taken, {to})),
			replayed_at = CASE WHEN list_has_all(list_concat(taken, {to}), {all}) THEN {now} END WHERE id IN {ids}`,
			duck.Args{"now": duck.Now, "to": program.Texts(to), "all": program.Texts(r.Readers(n.Name)), "ids": ids})
	})
}

// replayMended sends mended records through the chain of the destination that rejected them: from its query on. It says which they are.
func (r *runner) replayMended(ctx context.Context, d *sql.Decl, n *program.Node, where *duck.Query) error {
	a := duck.Args{"t": duck.Ident(badTable), "d": n.Name, "where": where, "using": usedPayloads(true), "held": isHeld,
		"to": program.Texts([]string{n.Name})}
	sources, err := duck.Select(ctx, r.Conn,
		duck.SQL(`SELECT DISTINCT coalesce(source, '') FROM dsql.rejects
			WHERE destination = {d} AND replayed_at IS NULL AND NOT {held} AND ({where}) AND id IN (SELECT id FROM {using} u)`, a),
		func(row func(...any) error) (s string, err error) { return s, row(&s) })
	if err != nil {
		return err
	}
	if r.Program.Env.Share != nil && n.Keyed() {
		return d.At(d.Arg("USING").Span).Errorf(code.NotSpread, "a mended record may have a key of another share than the file's").
			WithHint("`dsql merge` makes one file of all shares: mend it there")
	}
	for _, name := range sources {
		of := r.Program.SourceOf(name)
		if of == nil || !slices.ContainsFunc(n.Inputs, func(in *program.Input) bool { return in.Of == of }) {
			return d.At(d.Arg("USING").Span).Errorf(code.ReplayUsing, "rejects of %s have no bytes to be mended: it takes rows of stored tables",
				n.Name).
				WithHint("mend its rules or query, or replay what its inputs rejected")
		}
		a["source"] = name
		if err := r.Conn.Run(ctx, duck.SQL(`CREATE OR REPLACE TEMP TABLE {t} AS SELECT id, meta, u.payload, NULL::JSON AS original, {to} AS "to"
			FROM (SELECT * FROM dsql.rejects WHERE destination = {d} AND source = {source} AND replayed_at IS NULL AND NOT {held} AND ({where}))
			JOIN {using} u USING (id)`, a)); err != nil {
			return err
		}
		if err := r.redecode(ctx, d, of, func(ids *duck.Query, _ []string) *duck.Query {
			return duck.SQL("UPDATE dsql.rejects SET replayed_at = {now} WHERE id IN {ids}", duck.Args{"now": duck.Now, "ids": ids})
		}); err != nil {
			return err
		}
	}
	return nil
}

// usedPayloads is a FROM-item of the records of USING.
func usedPayloads(using bool) *duck.Query {
	if using {
		return duck.Ident(usingTable)
	}
	return duck.SQL("(SELECT NULL::BIGINT AS id, NULL::BLOB AS payload WHERE false)")
}

// readMended reads the file of USING.
func (r *runner) readMended(ctx context.Context, d *sql.Decl, v *sql.Value) error {
	_, err := r.Conn.ExecAt(ctx, duck.SQL(`CREATE OR REPLACE TEMP TABLE {t} AS SELECT id, last(coalesce(from_base64(payload_base64), encode(payload))) AS payload
		FROM read_json({file}, format = 'newline_delimited', columns = {id: 'BIGINT', payload: 'VARCHAR', payload_base64: 'VARCHAR'})
		WHERE id IS NOT NULL GROUP BY id`,
		duck.Args{"t": duck.Ident(usingTable), "file": v.Text}), d.At(v.Span))
	return err
}

// redecode decodes what badTable has and sends it on, a version for each group of destinations. settle marks those that were good.
func (r *runner) redecode(ctx context.Context, d *sql.Decl, n *program.Node, settle func(ids *duck.Query, to []string) *duck.Query) error {
	src, ok := n.Obj.(kind.Redecoder)
	if !ok {
		return d.At(d.Span).Errorf(code.NothingRemembered, "%s %s can't decode its records anew", n.Kind, n.Name).
			WithHint(fmt.Sprintf("REPLAY %s %s FROM EARLIEST reads it again", strings.ToUpper(n.Kind), n.Name))
	}
	groups, err := duck.Select(ctx, r.Conn,
		duck.SQL(`SELECT to_json("to")::VARCHAR FROM {t} GROUP BY ALL ORDER BY min(id)`, duck.Args{"t": duck.Ident(badTable)}),
		func(row func(...any) error) (to []string, err error) {
			var text string
			if err := row(&text); err != nil {
				return nil, err
			}
			return to, json.Unmarshal([]byte(text), &to)
		})
	if err != nil {
		return err
	}
	for _, to := range groups {
		for _, name := range to {
			m := r.Program.Relation(name)
			if l, ok := m.Obj.(kind.Loaded); ok && l.WholeLoads() {
				return d.At(d.Span).Errorf(code.ReplayLoads, "%s %s takes whole tables, and bad records of loads are none", m.Kind, name).
					WithHint(fmt.Sprintf("mend the declaration or the files, and run REBUILD %s %s FROM SOURCE: it takes all loads anew",
						strings.ToUpper(m.Kind), name))
			}
		}
		for after := int64(-1); ; {
			records, err := r.badRecords(ctx, to, after)
			if err != nil || r.stopped() {
				return err
			}
			if len(records) == 0 {
				break
			}
			got, err := src.Redecode(ctx, r.Conn, r.Program.Env, n.Cols, records)
			if err != nil {
				return err
			}
			last := records[max(got.Took, 1)-1].ID // one that has room nowhere stays as it is
			err = r.sendBad(ctx, n, got, to, [2]int64{records[0].ID, last}, settle)
			got.Close()
			if err != nil {
				return err
			}
			after = last
		}
	}
	return nil
}

// badRecords are the next of badTable for a group of destinations.
func (r *runner) badRecords(ctx context.Context, to []string, after int64) ([]kind.BadRecord, error) {
	q := duck.SQL(`SELECT id, payload, coalesce(original::VARCHAR, ''), coalesce(meta.file, ''), coalesce(meta.topic, ''),
			coalesce(meta."partition", 0), coalesce(meta."offset", 0), epoch_us(meta."timestamp"), meta."key",
			coalesce(to_json(list_transform(meta.headers, lambda h: {'k': h.key, 'v': hex(h.value)}))::VARCHAR, '[]')
		FROM {t} WHERE "to" = {to} AND id > {after} ORDER BY id LIMIT {n}`,
		duck.Args{"t": duck.Ident(badTable), "to": program.Texts(to), "after": after, "n": badAtOnce})
	return duck.Select(ctx, r.Conn, q, func(row func(...any) error) (b kind.BadRecord, err error) {
		var us *int64
		var headers string
		if err := row(&b.ID, &b.Payload, &b.Opening, &b.File, &b.Topic, &b.Partition, &b.Offset, &us, &b.Key, &headers); err != nil {
			return b, err
		}
		if us != nil {
			b.Time = time.UnixMicro(*us).UTC()
		}
		return b, json.Unmarshal([]byte(headers), &b.Headers)
	})
}

// sendBad runs decoded records through the chains of their destinations. A reject whose bytes aren't one record stays as it is.
func (r *runner) sendBad(ctx context.Context, n *program.Node, got *kind.Redecoded, to []string, ids [2]int64,
	settle func(*duck.Query, []string) *duck.Query) error {
	in := got.Input
	a := duck.Args{"now": duck.Ident(nowTable), "bad": duck.Ident(badTable), "id": got.ID, "raw": in.Raw, "rows": in.Rows,
		"to": program.Texts(to), "first": ids[0], "last": ids[1], "cols": duck.Idents("_b", duck.ColumnNames(n.Cols)...)}
	if err := r.Conn.Run(ctx, duck.SQL(`CREATE OR REPLACE TEMP TABLE {now} AS SELECT id, meta, payload FROM {bad}
		WHERE "to" = {to} AND id BETWEEN {first} AND {last}
		AND id IN (SELECT i FROM (SELECT {id} AS i FROM {raw}) GROUP BY i HAVING count(*) = 1)`, a)); err != nil {
		return err
	}
	still := duck.SQL("(SELECT NULL::BIGINT AS id, NULL::VARCHAR AS reason, NULL::JSON AS data WHERE false)")
	if in.Bad != nil {
		still = duck.SQL("(SELECT id, reason, data FROM (SELECT {id} AS id, reason, data FROM {decoded}) SEMI JOIN {now} USING (id))", a,
			duck.Args{"decoded": in.Bad})
	}
	a["still"] = still
	if _, err := r.Conn.Scan(ctx, duck.SQL("SELECT (SELECT count(*) FROM {now}), (SELECT count(*) FROM {still})", a), &in.Records,
		&in.BadCount); err != nil {
		return err
	}
	in.Good, in.Unknown, in.Bad, in.Destinations, in.Redecoded = in.Records-in.BadCount, 0, nil, to, true
	in.Rows = duck.SQL(`(SELECT {cols}, _k.meta AS _meta FROM (SELECT *, {id} AS _reject_id FROM {rows}) _b JOIN {now} _k ON _k.id = _b._reject_id)`, a)
	in.Raw = duck.SQL("(SELECT meta AS _meta, payload AS _payload FROM {now})", a)
	in.Origin = "rejects of " + n.Name
	in.Commit = func(ctx context.Context, tx *duck.Tx, _ int64) error {
		return tx.Run(ctx, duck.SQL("UPDATE dsql.rejects AS k SET reason = b.reason, data = b.data FROM {still} b WHERE k.id = b.id AND "+
			"k.destination IS NULL", a),
			settle(duck.SQL("(SELECT id FROM {now} WHERE id NOT IN (SELECT id FROM {still}))", a), to))
	}
	if in.Records == 0 {
		in.Release()
		return nil
	}
	return r.take(ctx, n, in, r.wanted(nil))
}
