package catalog

import (
	"context"
	"slices"

	"dsql/engine/duck"
	"dsql/engine/kind"
)

// Rejection is a set of rows that a destination does not take.
type Rejection struct {
	Destination, Source string
	Rule                *duck.Query   // an expression giving the constraint's or check's name; nil: NULL
	Reason              *duck.Query   // an expression giving "code: details"
	Rows                *duck.Query   // a FROM-item
	Columns             []duck.Column // what of a row is kept
	Was                 kind.Was      // what the row was before the SETs; none: as Input says
	Kept                *Kept         // expressions over _r that give the row as it is kept, instead of Columns and Was
	Input               *kind.Input   // the source's batch; nil: the rows come from a stored table
	HasRow              bool          // Rows have _row, the record's id in the batch
	Version             int64
}

// Kept is a row in dsql.rejects: data shows it, original the columns that SETs changed as they were; exact has what JSON doesn't hold
// of what is replayed. The last two may be nil.
type Kept struct{ Data, Original, Exact *duck.Query }

// KeptRow is the row _r as it is kept.
func KeptRow(cols []duck.Column, was kind.Was) Kept {
	k := Kept{Data: DataJSON("_r", duck.ColumnNames(cols))}
	if was.Struct != nil {
		k.Original = duck.SQL("to_json({was})", duck.Args{"was": was.Struct})
	}
	k.Exact = exactJSON(cols, func(c duck.Column) *duck.Query {
		if slices.Contains(was.Columns, c.Name) {
			return duck.SQL("struct_extract({was}, {n})", duck.Args{"was": was.Struct, "n": c.Name})
		}
		return duck.Ident("_r", c.Name)
	})
	return k
}

// Reject writes rows to dsql.rejects and returns how many. A row that still knows its record (_row) is kept with the record's
// coordinates and original bytes.
func Reject(ctx context.Context, tx *duck.Tx, r Rejection) (int64, error) {
	a := duck.Args{"now": duck.Now, "destination": r.Destination, "source": nullable(r.Source), "rule": duck.SQL("NULL"), "reason": r.Reason,
		"v":    r.Version,
		"rows": r.Rows, "raw": duck.SQL(""), "meta": duck.SQL("NULL"), "payload": duck.SQL("NULL"), "original": duck.SQL("NULL"),
		"exact": duck.SQL("NULL")}
	if r.Rule != nil {
		a["rule"] = r.Rule
	}
	was := r.Was
	if r.HasRow && r.Input != nil {
		a["meta"], a["payload"] = duck.SQL("_raw._meta"), duck.SQL("_raw._payload")
		of := duck.SQL("NULL")
		if r.Input.SourceOf != nil {
			of, a["source"] = r.Input.SourceOf, duck.SQL("_raw._source")
		}
		a["raw"] = duck.SQL(" LEFT JOIN (SELECT _meta, _payload, {of} AS _source, {id} AS _id FROM {raw}) _raw ON _raw._id = _r._row",
			duck.Args{"of": of, "id": r.Input.RowID, "raw": r.Input.Raw})
		if o := r.Input.Original; o != nil && was.Struct == nil && r.Kept == nil {
			was = kind.Was{Columns: o.Columns, Struct: duck.SQL("_o._was")}
			a["raw"] = duck.SQL("{raw} LEFT JOIN {was} _o ON _o._row = _r._row", a, duck.Args{"was": o.Struct})
		}
	}
	if r.Kept == nil {
		k := KeptRow(r.Columns, was)
		r.Kept = &k
	}
	a["data"] = r.Kept.Data
	if r.Kept.Original != nil {
		a["original"] = r.Kept.Original
	}
	if r.Kept.Exact != nil {
		a["exact"] = r.Kept.Exact
	}
	return tx.Exec(ctx, duck.SQL(`INSERT INTO dsql.rejects (rejected_at, destination, source, rule, reason, meta, payload, data, version, original, exact)
		SELECT {now}, {destination}, {source}, {rule}, {reason}, {meta}, {payload}, {data}, {v}, {original}, {exact} FROM {rows} _r{raw}`, a))
}

func nullable(s string) *duck.Query {
	if s == "" {
		return duck.SQL("NULL")
	}
	return duck.Lit(s)
}

// DataJSON is a row's columns as a JSON object.
func DataJSON(alias string, cols []string) *duck.Query {
	if len(cols) == 0 {
		return duck.SQL("'{}'::JSON")
	}
	return duck.SQL("to_json(struct_pack({fields}))", duck.Args{"fields": duck.Each(", ", cols, func(c string) *duck.Query {
		return duck.SQL("{n} := {v}", duck.Args{"n": duck.Ident(c), "v": duck.Ident(alias, c)})
	})})
}
