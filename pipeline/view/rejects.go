package view

import (
	"context"
	"fmt"
	"strings"

	"dsql/engine/duck"
	"dsql/page"
)

// mostPayload of a reject's bytes are read: it may have ten megabytes.
const mostPayload = 4096

// Rejects is the view of what waits in dsql.rejects and passes a filter: of all, or of some destinations and sources alone.
func (r *Reader) Rejects(ctx context.Context, filter page.Filter, most int, of ...string) *page.Rejects {
	v := &page.Rejects{Filter: filter}
	where, among := rejectsLike(filter), duck.SQL("true")
	if len(of) > 0 {
		among = duck.SQL("coalesce(destination, source) IN ({of})",
			duck.Args{"of": duck.Each(", ", of, func(name string) *duck.Query { return duck.Lit(name) })})
		where = duck.SQL("{where} AND {among}", duck.Args{"where": where, "among": among})
	}
	sections(&v.Wrong,
		part{"Reasons", func() error { return r.rejectKinds(ctx, v, among) }},
		part{"Rows", func() error { return r.rejectRows(ctx, v, where, most) }},
		part{"The statement", func() error { return r.replays(ctx, v, where) }})
	return v
}

// rejectsLike is a condition.
func rejectsLike(f page.Filter) *duck.Query {
	parts := []*duck.Query{duck.SQL("replayed_at IS NULL")}
	add := func(value, condition string) {
		if value != "" {
			parts = append(parts, duck.SQL(condition, duck.Args{"v": value}))
		}
	}
	add(f.Code, "starts_with(reason, {v} || ':')")
	add(f.Rule, "rule = {v}")
	add(f.Destination, "destination = {v}")
	add(f.Source, "source = {v}")
	if f.Source != "" && f.Destination == "" {
		parts = append(parts, duck.SQL("destination IS NULL"))
	}
	add(f.Text, "contains(lower(reason || ' ' || coalesce(decode(payload, 'replace'), '') || ' ' || coalesce(data::VARCHAR, '')), lower({v}))")
	return duck.Join(" AND ", parts...)
}

// rejectKinds are reasons and where they are given, one text of amounts each.
func (r *Reader) rejectKinds(ctx context.Context, v *page.Rejects, among *duck.Query) error {
	var err error
	v.Kinds, err = rows(ctx, r.Conn, duck.SQL(`SELECT code, r, d, s, sum(k)::BIGINT AS n, max(t), string_agg(v || ' ' || k, ';' ORDER BY v)
		FROM (SELECT split_part(reason, ':', 1) AS code, coalesce(rule, '') AS r, coalesce(destination, '') AS d,
			CASE WHEN destination IS NULL THEN coalesce(source, '') ELSE '' END AS s,
			coalesce(version, 0) AS v, count(*) AS k, max(rejected_at) AS t FROM dsql.rejects WHERE replayed_at IS NULL AND {among} GROUP BY ALL)
		GROUP BY code, r, d, s ORDER BY n DESC, code, r, d, s LIMIT 200`, duck.Args{"among": among}), func(row func(...any) error) (k page.RejectKind, err error) {
		var by string
		if err = row(&k.Code, &k.Rule, &k.Destination, &k.Source, &k.N, &k.Last, &by); err != nil {
			return k, err
		}
		for _, n := range numbers(by) {
			k.By = append(k.By, page.Point{Version: n[0], Value: float64(n[1]), Known: true})
		}
		return k, nil
	})
	for _, k := range v.Kinds {
		v.Total += k.N
	}
	return err
}

// rejectRows are the newest; where nothing is filtered one of each kind comes first, so that a flood doesn't hide the rest.
func (r *Reader) rejectRows(ctx context.Context, v *page.Rejects, where *duck.Query, most int) (err error) {
	if v.N, err = r.Conn.Int(ctx, duck.SQL("SELECT count(*) FROM dsql.rejects WHERE {where}", duck.Args{"where": where})); err != nil {
		return err
	}
	order := duck.SQL("id DESC")
	if v.Filter == (page.Filter{}) {
		order = duck.SQL("row_number() OVER (PARTITION BY split_part(reason, ':', 1), rule, destination, source ORDER BY id DESC), id DESC")
	}
	v.Rows, err = rows(ctx, r.Conn, duck.SQL(`SELECT id, coalesce(version, 0), rejected_at, coalesce(destination, ''),
			coalesce(source, ''), coalesce(rule, ''), left(reason, 2000),
			coalesce(CASE WHEN meta.topic IS NOT NULL
				THEN meta.topic || '[' || coalesce(meta."partition", 0) || '] @ ' || coalesce(meta."offset", 0)
				WHEN meta.file IS NOT NULL THEN meta.file || coalesce(':' || meta.line, '') END, ''),
			left(coalesce(decode(meta.key, 'replace'), ''), 400),
			left(coalesce(array_to_string(list_transform(meta.headers, lambda h: h.key || '=' ||
				coalesce(decode(h.value[1:200], 'replace'), '')), ' '), ''), 800),
			coalesce(payload[1:{most}], ''::BLOB), coalesce(octet_length(payload), 0), left(coalesce(data::VARCHAR, ''), 20000)
		FROM dsql.rejects WHERE id IN (SELECT id FROM dsql.rejects WHERE {where} ORDER BY {order} LIMIT {n})`,
		duck.Args{"where": where, "order": order, "n": most, "most": mostPayload}), scanReject)
	if err != nil {
		return err
	}
	return r.inOrder(ctx, v, where, order, most)
}

func scanReject(row func(...any) error) (x page.Reject, err error) {
	return x, row(&x.ID, &x.Version, &x.At, &x.Destination, &x.Source, &x.Rule, &x.Reason, &x.Place, &x.Key, &x.Headers, &x.Payload, &x.Length,
		&x.Data)
}

// inOrder sorts the rows: ids are found first, so that payloads are read of those alone that are shown.
func (r *Reader) inOrder(ctx context.Context, v *page.Rejects, where, order *duck.Query, most int) error {
	ids, err := duck.Select(ctx, r.Conn, duck.SQL("SELECT id FROM dsql.rejects WHERE {where} ORDER BY {order} LIMIT {n}",
		duck.Args{"where": where, "order": order, "n": most}), func(row func(...any) error) (id int64, err error) { return id, row(&id) })
	byID := map[int64]page.Reject{}
	for _, x := range v.Rows {
		byID[x.ID] = x
	}
	v.Rows = v.Rows[:0]
	for _, id := range ids {
		if x, ok := byID[id]; ok {
			v.Rows = append(v.Rows, x)
		}
	}
	return err
}

// replays are the statements that send what the filter leaves through the chain again: one for each destination or source.
func (r *Reader) replays(ctx context.Context, v *page.Rejects, where *duck.Query) error {
	of, err := rows(ctx, r.Conn, duck.SQL(`SELECT DISTINCT coalesce(destination, source) AS name, starts_with(reason, 'check:') AND
			destination IS NOT NULL AS held
		FROM dsql.rejects WHERE {where} AND coalesce(destination, source) IS NOT NULL ORDER BY held, name`, duck.Args{"where": where}),
		func(row func(...any) error) (p page.Replay, err error) { return p, row(&p.Of, &p.Hold) })
	for i, p := range of {
		if of[i].Text = "RELEASE HOLD " + spelt(p.Of) + ";"; !p.Hold {
			of[i].Text = replay(p.Of, v.Filter)
		}
	}
	v.Statements = of
	return err
}

// Replays are the statements of a filter, without those that release a hold.
func (r *Reader) Replays(ctx context.Context, filter page.Filter) (out []string, err error) {
	v := &page.Rejects{Filter: filter}
	err = r.replays(ctx, v, rejectsLike(filter))
	for _, p := range v.Statements {
		if !p.Hold {
			out = append(out, p.Text)
		}
	}
	return out, err
}

// replay is the statement that sends rejects of one name.
func replay(of string, f page.Filter) string {
	var conditions []string
	if f.Rule != "" {
		conditions = append(conditions, "rule = "+duck.Lit(f.Rule).String())
	}
	if f.Code != "" && f.Code != "bad_record" {
		conditions = append(conditions, fmt.Sprintf("starts_with(reason, %s)", duck.Lit(f.Code+":")))
	}
	if f.Text != "" {
		conditions = append(conditions,
			fmt.Sprintf("contains(lower(reason || ' ' || coalesce(decode(payload, 'replace'), '') || ' ' || coalesce(data::VARCHAR, '')), %s)",
				duck.Lit(strings.ToLower(f.Text))))
	}
	text := "REPLAY REJECTS FROM " + spelt(of)
	if len(conditions) > 0 {
		text += "\n  WHERE " + strings.Join(conditions, " AND ")
	}
	return text + ";"
}
