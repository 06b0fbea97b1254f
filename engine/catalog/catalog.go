// Package catalog owns the schema dsql of a file: its tables, the migrations that bring an older file up to date, and how rejected rows
// are written there.
package catalog

import (
	"context"
	"fmt"
	"strings"

	"dsql/engine/duck"
	"dsql/internal/lazy"
	"dsql/sql"
	"dsql/sql/code"
)

// The catalog is the schema dsql in the file: what was declared, what was taken from where, versions, rejects and measurements.
// It is part of the users' interface: names need no quoting and times are TIMESTAMP in UTC, so that any DuckDB client reads it.

// MetaType is the type of _meta and of dsql.rejects.meta: where a row came from. What a source doesn't have is NULL.
const MetaType = `STRUCT(source VARCHAR, topic VARCHAR, "partition" INTEGER, "offset" BIGINT, "timestamp" TIMESTAMP, "key" BLOB, ` +
	`headers STRUCT("key" VARCHAR, "value" BLOB)[], tombstone BOOLEAN, file VARCHAR, line BIGINT)`

// MetaColumn is the column that every row of a source has.
const MetaColumn = "_meta"

// VersionColumn is the column that a stored stream has.
const VersionColumn = "_version"

// zstd stands behind columns of long texts that are rarely read: a flood of bad records takes two thirds of the time and half of
// the space that DuckDB's own choice needs. A file whose storage doesn't know it would not compress them at all.
const zstd = " USING COMPRESSION zstd"

// migrations are run in order, each once, each in the transaction that records it. Append only: a file of an old dsql is brought
// up by the ones it lacks.
var migrations = [][]string{{
	`CREATE TABLE dsql.versions (version BIGINT NOT NULL, committed_at TIMESTAMP NOT NULL)`,
	`CREATE TABLE dsql.version_rows (version BIGINT NOT NULL, kind VARCHAR NOT NULL, name VARCHAR NOT NULL, rows_in BIGINT, written BIGINT,
		added BIGINT, changed BIGINT, removed BIGINT, unchanged BIGINT, rejected BIGINT, dropped BIGINT, bad BIGINT, skipped BIGINT, origin VARCHAR)`,
	`CREATE SEQUENCE dsql.reject_ids`,
	`CREATE TABLE dsql.rejects (id BIGINT NOT NULL DEFAULT nextval('dsql.reject_ids'), rejected_at TIMESTAMP NOT NULL, destination VARCHAR,
		source VARCHAR, rule VARCHAR, reason VARCHAR NOT NULL, meta ` + MetaType + `, payload BLOB` + zstd + `, data JSON` + zstd + `,
		version BIGINT, replayed_at TIMESTAMP, original JSON` + zstd + `)`,
	`CREATE TABLE dsql.metrics (destination VARCHAR NOT NULL, metric VARCHAR NOT NULL, version BIGINT, recorded_at TIMESTAMP NOT NULL,
		value DOUBLE, value_text VARCHAR)`,
	`CREATE TABLE dsql.checks (destination VARCHAR NOT NULL, name VARCHAR NOT NULL, version BIGINT, checked_at TIMESTAMP NOT NULL,
		value DOUBLE, value_text VARCHAR, verdict VARCHAR NOT NULL, failed_rows BIGINT)`,
	`CREATE TABLE dsql.declarations (kind VARCHAR NOT NULL, name VARCHAR NOT NULL, body VARCHAR NOT NULL, fingerprint VARCHAR NOT NULL,
		pinned VARCHAR, declared_at TIMESTAMP NOT NULL)`,
	`CREATE TABLE dsql.files (source VARCHAR NOT NULL, destination VARCHAR NOT NULL, path VARCHAR NOT NULL, size BIGINT NOT NULL,
		modified_at TIMESTAMP NOT NULL, hash VARCHAR, next_byte BIGINT NOT NULL, next_line BIGINT NOT NULL, done BOOLEAN NOT NULL, version BIGINT NOT NULL)`,
	`CREATE TABLE dsql.places (destination VARCHAR NOT NULL, input VARCHAR NOT NULL, version BIGINT NOT NULL)`,
	`CREATE TABLE dsql.models (name VARCHAR NOT NULL, version INTEGER NOT NULL, format VARCHAR NOT NULL, hash VARCHAR NOT NULL,
		inputs VARCHAR NOT NULL, outputs VARCHAR NOT NULL, tags MAP(VARCHAR, VARCHAR), created TIMESTAMP NOT NULL, in_use BOOLEAN NOT NULL,
		options VARCHAR NOT NULL, file BLOB NOT NULL)`,
}, {
	`CREATE TABLE dsql.check_rows (destination VARCHAR NOT NULL, name VARCHAR NOT NULL, version BIGINT, checked_at TIMESTAMP NOT NULL, data JSON NOT NULL)`,
}, {
	`CREATE TABLE dsql.offsets (source VARCHAR NOT NULL, destination VARCHAR NOT NULL, topic VARCHAR NOT NULL, partition INTEGER NOT NULL,
		next_offset BIGINT NOT NULL, leader_epoch INTEGER NOT NULL, topic_id VARCHAR NOT NULL, cluster_id VARCHAR NOT NULL, version BIGINT)`,
	`CREATE TABLE dsql.gaps (source VARCHAR NOT NULL, topic VARCHAR NOT NULL, partition INTEGER NOT NULL, from_offset BIGINT NOT NULL,
		to_offset BIGINT, reason VARCHAR NOT NULL, noticed_at TIMESTAMP NOT NULL)`,
}, {
	// Added original to dsql.rejects, which is made anew below: DuckDB can't replay its log after a crash where a table with nextval in a
	// default was altered, and one may come between two migrations.
}, oneSpelling(), {
	// original: the columns that SETs change, as they were before, from which a replay starts; exact: what JSON doesn't hold of a row.
	`CREATE TEMP TABLE dsql_rejects_before AS FROM dsql.rejects`,
	`DROP TABLE dsql.rejects`,
	`CREATE TABLE dsql.rejects (id BIGINT NOT NULL DEFAULT nextval('dsql.reject_ids'), rejected_at TIMESTAMP NOT NULL, destination VARCHAR,
		source VARCHAR, rule VARCHAR, reason VARCHAR NOT NULL, meta ` + MetaType + `, payload BLOB` + zstd + `, data JSON` + zstd + `,
		version BIGINT, replayed_at TIMESTAMP, original JSON` + zstd + `, exact JSON` + zstd + `, taken VARCHAR[])`,
	`INSERT INTO dsql.rejects BY NAME FROM dsql_rejects_before`,
	`DROP TABLE temp.dsql_rejects_before`,
}, {
	// What a check or a guard holds back. The rows that a check holds stand in dsql.rejects, from first_reject to last_reject; of what a guard
	// holds nothing was taken (version is NULL): it waits in its source. load says what rows can't (see pipeline/run/holds.go).
	`CREATE TABLE dsql.holds (destination VARCHAR NOT NULL, name VARCHAR NOT NULL, since TIMESTAMP NOT NULL, origin VARCHAR, rows BIGINT NOT NULL,
		source VARCHAR, version BIGINT, first_reject BIGINT, last_reject BIGINT, load JSON NOT NULL)`,
	`INSERT INTO dsql.holds SELECT destination, coalesce(rule, 'check'), min(rejected_at),
			(SELECT min(origin) FROM dsql.version_rows v WHERE v.version = r.version AND v.name = r.destination), count(*), source, version, min(id), max(id), '{}'
		FROM dsql.rejects r WHERE starts_with(reason, 'check:') AND replayed_at IS NULL AND destination IS NOT NULL
		GROUP BY destination, rule, source, version ORDER BY min(id)`,
	// The newest version when a declaration was made: what stands under its name in older ones is that of another, which was dropped.
	`ALTER TABLE dsql.declarations ADD COLUMN born BIGINT`,
}, {
	`CREATE TABLE dsql.dialects (source VARCHAR NOT NULL, dialect VARCHAR NOT NULL)`,
}, {
	// What streams that were turned back hold at a version: see stream/versions.go.
	`CREATE TABLE dsql.eras (destination VARCHAR NOT NULL, since BIGINT NOT NULL, after BIGINT NOT NULL, through BIGINT NOT NULL)`,
}, {
	// Why a file was set aside.
	`ALTER TABLE dsql.files ADD COLUMN error VARCHAR`,
}, {
	// Who the file is, for the names of what goes outside (see pipeline/run/identity.go). snapshot_of: what it is a copy of that --snapshot
	// made; restored: it was such a copy.
	`CREATE TABLE dsql.file (id VARCHAR NOT NULL, snapshot_of VARCHAR, restored BOOLEAN NOT NULL)`,
	`INSERT INTO dsql.file VALUES (left(replace(uuid()::VARCHAR, '-', ''), 16), NULL, false)`,
	`CREATE TABLE dsql.stopped_sinks (sink VARCHAR NOT NULL)`,
}, {
	// Views are read by DuckDB from 1.2 on: it knows no TRY, and listing a view that has one ends it.
	`CREATE OR REPLACE VIEW dsql.rejects_text AS SELECT id, rejected_at, destination, source, rule, reason, meta,
		CASE WHEN regexp_full_match(hex(payload), '` + UTF8Hex + `') THEN decode(payload) ELSE payload::VARCHAR END AS payload_text, data, version,
		replayed_at FROM dsql.rejects`,
}, {
	// What functions in Python are made of. since: the newest version of the file when this one of the function was declared.
	`CREATE TABLE dsql.functions (name VARCHAR NOT NULL, version INTEGER NOT NULL, hash VARCHAR NOT NULL, spec VARCHAR NOT NULL,
		since BIGINT NOT NULL, created TIMESTAMP NOT NULL)`,
}, {
	// What monitors measure, by bin; what they compare with; and which outcomes they have seen (see watch/outcomes.go).
	`CREATE TABLE dsql.monitor_bins (monitor VARCHAR NOT NULL, version BIGINT NOT NULL, input VARCHAR NOT NULL, bin INTEGER NOT NULL, low DOUBLE,
		high DOUBLE, label VARCHAR, n BIGINT NOT NULL, expected DOUBLE, outcomes BIGINT)`,
	`CREATE TABLE dsql.monitor_baselines (monitor VARCHAR NOT NULL, declared VARCHAR NOT NULL, bins JSON NOT NULL)`,
	`CREATE TABLE dsql.monitor_outcomes (monitor VARCHAR NOT NULL, version BIGINT NOT NULL, scored BIGINT NOT NULL, known BIGINT NOT NULL,
		digest VARCHAR NOT NULL)`,
}, {
	// What alerts have told, or are to tell; body is the message. muted: nobody is told of this change.
	`CREATE TABLE dsql.alerts (alert VARCHAR NOT NULL, state VARCHAR NOT NULL, since TIMESTAMP NOT NULL, sent_at TIMESTAMP, tries INTEGER NOT NULL,
		error VARCHAR, id VARCHAR NOT NULL, body JSON NOT NULL, muted BOOLEAN NOT NULL)`,
	`CREATE TABLE dsql.alert_mutes (alert VARCHAR NOT NULL, until TIMESTAMP)`,
}, {
	// Keys that were erased from journals, as hashes: rows of them are left out (see pipeline/run/erased.go).
	`CREATE TABLE dsql.erased (destination VARCHAR NOT NULL, key_hash VARCHAR NOT NULL, salt VARCHAR NOT NULL, erased_at TIMESTAMP NOT NULL,
		version BIGINT NOT NULL)`,
}, {
	// Event time (see engine/watermark): of each part of an input the newest time that a destination has taken; and from which version on
	// what ends up to a time is closed.
	`CREATE TABLE dsql.watermarks (destination VARCHAR NOT NULL, input VARCHAR NOT NULL, source VARCHAR NOT NULL, topic VARCHAR NOT NULL,
		partition INTEGER NOT NULL, newest TIMESTAMP, seen_at TIMESTAMP NOT NULL, version BIGINT NOT NULL)`,
	`CREATE TABLE dsql.closed (destination VARCHAR NOT NULL, input VARCHAR NOT NULL, version BIGINT NOT NULL, watermark TIMESTAMP, up_to TIMESTAMP)`,
}, {
	// Up to which time a rollup keeps windows whose rows are gone, and by what those windows are told (see rollup/retain.go).
	`CREATE TABLE dsql.retained (destination VARCHAR NOT NULL, up_to TIMESTAMP NOT NULL, version BIGINT NOT NULL, windows VARCHAR NOT NULL)`,
}, {
	// Which share of its sources the file has, of how many (see engine/kind/share.go); NULL: all of them.
	`ALTER TABLE dsql.file ADD COLUMN share INTEGER`,
	`ALTER TABLE dsql.file ADD COLUMN shares INTEGER`,
}}

// UTF8Hex matches the hexadecimal digits of a text in UTF-8.
const UTF8Hex = "([0-7].|(C[2-9A-F]|D.)[89AB].|E0[AB].[89AB].|E[1-9A-CEF]([89AB].){2}|ED[89].[89AB].|F0[9AB].([89AB].){2}|F[1-3]([89AB].){3}|F48.([89AB].){2})*"

// oneSpelling brings names in line with the declarations', which an older dsql wrote as the script at hand spelt them. Where places
// stood under several spellings the one that is furthest counts: what lies before it was taken.
func oneSpelling() (out []string) {
	const fold = `translate(%s, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz')`
	for _, at := range []string{"places.destination", "places.input", "files.source", "files.destination", "offsets.source",
		"offsets.destination", "gaps.source",
		"version_rows.name", "rejects.destination", "rejects.source", "metrics.destination", "checks.destination", "check_rows.destination"} {
		table, column, _ := strings.Cut(at, ".")
		out = append(out, fmt.Sprintf(`UPDATE dsql.%[1]s SET %[2]s = d.name FROM dsql.declarations d
			WHERE d.kind IN ('source', 'stream', 'journal', 'sink') AND d.name <> %[1]s.%[2]s
			AND %[3]s = %[4]s`, table, column, fmt.Sprintf(fold, "d.name"), fmt.Sprintf(fold, table+"."+column)))
	}
	for _, place := range []struct{ table, key, furthest string }{
		{"places", "destination, input", "version"}, {"files", "source, destination, path", "next_byte, done"},
		{"offsets", "source, destination, topic, partition", "next_offset"}} {
		out = append(out, fmt.Sprintf(`DELETE FROM dsql.%[1]s WHERE rowid NOT IN (SELECT last(rowid ORDER BY %[3]s) FROM dsql.%[1]s
			GROUP BY %[2]s)`, place.table, place.key, place.furthest))
	}
	return out
}

// mends are the statements of migrations that take rows over.
var mends = lazy.Regexp(`^(UPDATE|DELETE|INSERT INTO dsql\.(rejects|holds)|CREATE TEMP|DROP TABLE temp)\b`)

// Migrate brings the catalog up to date, each migration in a transaction of its own: DuckDB commits none that changed a table's rows
// and then its columns.
func Migrate(ctx context.Context, c *duck.Conn) error {
	have, err := catalogVersion(ctx, c)
	if err != nil || have == len(migrations) {
		return err
	}
	if have == 0 || have > len(migrations) {
		return c.Update(ctx, func(tx *duck.Tx) error { return MigrateIn(ctx, tx) })
	}
	for n := have + 1; n <= len(migrations); n++ {
		if err := c.Update(ctx, func(tx *duck.Tx) error { return migrate(ctx, tx, n) }); err != nil {
			return err
		}
	}
	return c.Run(ctx, duck.SQL("CHECKPOINT")) // tables that were altered don't have to come from the log
}

// MigrateIn brings the catalog up to date in this transaction. A file written by a newer dsql is refused.
func MigrateIn(ctx context.Context, tx *duck.Tx) error { return migrate(ctx, tx, len(migrations)) }

// migrate runs the migrations up to number n.
func migrate(ctx context.Context, tx *duck.Tx, n int) error {
	have, err := catalogVersion(ctx, tx.Conn)
	if err != nil || have == n {
		return err
	}
	if have > len(migrations) {
		return sql.Errorf(code.NewerFile, "%s was written by a newer dsql (catalog %d, this one knows %d)", tx.DB.Path, have, len(migrations)).
			WithHint("use that version of dsql, or another --db")
	}
	if have == 0 {
		if err := tx.Run(ctx, duck.SQL("CREATE SCHEMA IF NOT EXISTS dsql"), duck.SQL("CREATE TABLE dsql.catalog (version INTEGER NOT NULL)"),
			duck.SQL("INSERT INTO dsql.catalog VALUES (0)")); err != nil {
			return err
		}
	}
	storage, err := tx.Int(ctx, duck.SQL("SELECT count(*) FROM duckdb_databases() WHERE database_name = current_database() AND "+
		"tags['storage_version'] <> 'v1.0.0+'"))
	if err != nil {
		return err
	}
	for _, m := range migrations[have:n] {
		for _, s := range m {
			if have == 0 && mends().MatchString(s) {
				continue // a new file has no rows to mend or to take over
			}
			if storage == 0 { // memory, or a file that another client made
				s = strings.ReplaceAll(s, zstd, "")
			}
			if err := tx.Run(ctx, duck.Text(s)); err != nil {
				return err
			}
		}
	}
	return tx.Run(ctx, duck.SQL("UPDATE dsql.catalog SET version = {n}", duck.Args{"n": n}))
}

func catalogVersion(ctx context.Context, c *duck.Conn) (int, error) {
	n, err := c.Int(ctx, duck.SQL("SELECT version FROM dsql.catalog"))
	if duck.IsMissing(err) {
		return 0, nil
	}
	return int(n), err
}

// Plain says that the file has nothing of dsql's: another program made it.
func Plain(ctx context.Context, c *duck.Conn) (bool, error) {
	n, err := catalogVersion(ctx, c)
	return n == 0, err
}

// Share is which part of its sources the file has, and of how many; 0: all of them.
func Share(ctx context.Context, c *duck.Conn) (number, of int64, err error) {
	_, err = c.Scan(ctx, duck.SQL("SELECT coalesce(share, 0), coalesce(shares, 0) FROM dsql.file"), &number, &of)
	if sql.HasCode(err, code.DuckDBCatalog, code.DuckDBBinder) { // a new file has no such table, and an older one no such columns
		return 0, 0, nil
	}
	return number, of, err
}

// SnapshotOf is the name of the file that this one is a copy of which --snapshot made; "" when it is none.
func SnapshotOf(ctx context.Context, c *duck.Conn) string {
	var of string
	if _, err := c.Scan(ctx, duck.SQL("SELECT coalesce(snapshot_of, '') FROM dsql.file"), &of); err != nil { // an older file has no such table
		return ""
	}
	return of
}
