package merge

import (
	"context"
	"slices"

	"dsql/engine/duck"
	"dsql/pipeline/program"
)

// misfit is what keeps shares from being one file: a query of what is amiss, a text a row.
type misfit struct {
	query      *duck.Query
	text, hint string
}

const toTheEnd = "run all shares once more, to their end, with the same script: dsql run SCRIPT --workers N"

// fit finds what keeps the shares from being one file.
func (m *merger) fit(ctx context.Context) error {
	for _, x := range append(m.unlike(), m.undone()...) {
		var what string
		some, err := m.c.Scan(ctx, duck.SQL("{q} LIMIT 1", duck.Args{"q": x.query}), &what)
		if err != nil {
			return err
		}
		if some {
			return refusedf(x.text, what).WithHint(x.hint)
		}
	}
	return nil
}

// unlike are shares that are of several makes.
func (m *merger) unlike() []misfit {
	of := int64(len(m.files))
	catalogs := m.each(func(a duck.Args) *duck.Query { return duck.SQL("SELECT version FROM {p}.dsql.catalog", a) })
	declared := m.each(func(a duck.Args) *duck.Query {
		return duck.SQL("SELECT kind || ' ' || name AS what, fingerprint FROM {p}.dsql.declarations", a)
	})
	models := m.each(func(a duck.Args) *duck.Query {
		return duck.SQL("SELECT name, version, hash, in_use FROM {p}.dsql.models", a)
	})
	return []misfit{
		{duck.SQL("SELECT string_agg(DISTINCT version::VARCHAR, ', ') FROM {q} HAVING count(DISTINCT version) > 1", duck.Args{"q": catalogs}),
			"the files have several layouts: %s", toTheEnd},
		{duck.SQL("SELECT what FROM {q} GROUP BY what, fingerprint HAVING count(*) <> {of} ORDER BY what", duck.Args{"q": declared, "of": of}),
			"the shares don't declare %s alike", toTheEnd},
		{duck.SQL("SELECT name || ' version ' || version FROM {q} GROUP BY name, version, hash, in_use HAVING count(*) <> {of} ORDER BY ALL",
			duck.Args{"q": models, "of": of}), "the shares don't have the model %s alike", toTheEnd},
		{duck.SQL(`SELECT table_name || '.' || column_name FROM duckdb_columns() WHERE list_contains({parts}, database_name) AND schema_name = 'main'
			AND list_contains({tables}, table_name) GROUP BY table_name, column_name, data_type HAVING count(*) <> {of} ORDER BY ALL`,
			duck.Args{"parts": program.Texts(m.parts()), "tables": program.Texts(append(slices.Clone(m.tables), m.states...)), "of": of}),
			"the shares don't have %s of one type", "give it one in the query: CAST(… AS type), and begin with new files"},
	}
}

// undone is what a share has before it.
func (m *merger) undone() []misfit {
	whole, of := program.Texts(m.whole), int64(len(m.files))
	held := m.each(func(a duck.Args) *duck.Query { return duck.SQL("SELECT destination AS what FROM {p}.dsql.holds", a) })
	eras := m.each(func(a duck.Args) *duck.Query { return duck.SQL("SELECT destination AS what FROM {p}.dsql.eras", a) })
	places := m.each(func(a duck.Args) *duck.Query { return duck.SQL("SELECT {n} AS share, * FROM {p}.dsql.places", a) })
	latest := m.each(func(a duck.Args) *duck.Query {
		return duck.SQL(`SELECT {n} AS share, name AS input, max(version) AS latest FROM {p}.dsql.version_rows WHERE kind <> 'source' GROUP BY name`, a)
	})
	posted := m.each(func(a duck.Args) *duck.Query {
		return duck.SQL(`SELECT destination AS what FROM {p}.dsql.places l WHERE input = 'dsql.rejects'
			AND EXISTS (FROM {p}.dsql.rejects r WHERE r.source = l.destination AND r.id > l.version)`, a)
	})
	taken := m.each(func(a duck.Args) *duck.Query {
		return duck.SQL(`SELECT destination, path AS what, (done, next_byte)::VARCHAR AS far FROM {p}.dsql.files WHERE list_contains({whole}, source)
			UNION ALL SELECT destination, topic || ' partition ' || partition, next_offset::VARCHAR FROM {p}.dsql.offsets
			WHERE list_contains({whole}, source)`, a, duck.Args{"whole": whole})
	})
	replayed := m.each(func(a duck.Args) *duck.Query {
		return duck.SQL(`SELECT source AS what, (count(*), count(replayed_at))::VARCHAR AS far FROM {p}.dsql.rejects
			WHERE destination IS NULL AND list_contains({whole}, source) GROUP BY source`, a, duck.Args{"whole": whole})
	})
	return []misfit{
		{duck.SQL("SELECT what FROM {q} ORDER BY ALL", duck.Args{"q": held}), "a share holds back rows of %s",
			"decide about them in its file: RELEASE HOLD or DISCARD HOLD"},
		{duck.SQL("SELECT what FROM {q} ORDER BY ALL", duck.Args{"q": eras}), "a share has turned %s back to an older version",
			"REBUILD it in its file, or read the files together: ATTACH"},
		{duck.SQL("SELECT what FROM {q} GROUP BY destination, what, far HAVING count(*) <> {of} ORDER BY ALL", duck.Args{"q": taken, "of": of}),
			"the shares haven't come equally far in %s, which all of them read", toTheEnd},
		{duck.SQL("SELECT what FROM {q} GROUP BY what, far HAVING count(*) <> {of} ORDER BY ALL", duck.Args{"q": replayed, "of": of}),
			"some shares have replayed bad records of %s, and others not", "replay them in each"},
		{duck.SQL(`SELECT destination FROM (SELECT DISTINCT destination, input FROM {places}) JOIN {latest} USING (input)
			LEFT JOIN {places} l USING (share, destination, input) WHERE coalesce(l.version, 0) < latest ORDER BY ALL`,
			duck.Args{"places": places, "latest": latest}), "%s hasn't taken all that its share has for it", toTheEnd},
		{duck.SQL("SELECT what FROM {q} ORDER BY ALL", duck.Args{"q": posted}), "rejects of %s wait to be sent", toTheEnd},
		{duck.SQL(`SELECT table_name FROM duckdb_tables() t WHERE list_contains({parts}, database_name) AND schema_name = 'main' AND estimated_size > 0
			AND NOT list_contains({tables}, table_name) AND EXISTS (FROM duckdb_columns() c WHERE c.table_oid = t.table_oid
			AND c.database_oid = t.database_oid AND c.column_name IN ('_version', '_v_from')) ORDER BY ALL`,
			duck.Args{"parts": program.Texts(m.parts()), "tables": program.Texts(append(slices.Clone(m.tables), m.states...))}),
			"%s has rows by version, and is no stream or journal of the script", "read the files together: ATTACH"},
	}
}
