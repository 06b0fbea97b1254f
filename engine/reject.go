package engine

import "context"

// Rejection is a set of rows that a destination does not take.
type Rejection struct {
	Destination, Source string
	Rule                *Query   // an expression giving the constraint's or check's name; nil: NULL
	Reason              *Query   // an expression giving "code: details"
	Rows                *Query   // a FROM-item
	Data                []string // the columns that stand in dsql.rejects.data
	JSON                *Query   // an expression giving what stands there, instead of Data
	Original            *Query   // an expression giving (as JSON) the columns that SETs changed as they were before; nil: none, or as Input says
	Input               *Input   // the source's batch; nil: the rows come from a stored table
	HasRow              bool     // Rows have _row, the record's id in the batch
	Version             int64
}

// Reject writes rows to dsql.rejects and returns how many. A row that still knows its record (_row) is kept with the record's
// coordinates and original bytes.
func (tx *Tx) Reject(ctx context.Context, r Rejection) (int64, error) {
	a := Args{"now": Now, "destination": r.Destination, "source": nullable(r.Source), "rule": SQL("NULL"), "reason": r.Reason, "v": r.Version,
		"rows": r.Rows, "raw": SQL(""), "meta": SQL("NULL"), "payload": SQL("NULL"), "data": DataJSON("_r", r.Data), "original": SQL("NULL")}
	if r.Rule != nil {
		a["rule"] = r.Rule
	}
	if r.JSON != nil {
		a["data"] = r.JSON
	}
	if r.HasRow && r.Input != nil {
		a["meta"], a["payload"] = SQL("_raw._meta"), SQL("_raw._payload")
		a["raw"] = SQL(" LEFT JOIN (SELECT _meta, _payload, {id} AS _id FROM {raw}) _raw ON _raw._id = _r._row", Args{"id": r.Input.RowID, "raw": r.Input.Raw})
	}
	switch {
	case r.Original != nil:
		a["original"] = r.Original
	case r.HasRow && r.Input != nil && r.Input.Original != nil:
		a["original"] = SQL("_was._original")
		a["raw"] = SQL("{raw} LEFT JOIN {was} _was ON _was._row = _r._row", a, Args{"was": r.Input.Original})
	}
	return tx.Exec(ctx, SQL(`INSERT INTO dsql.rejects (rejected_at, destination, source, rule, reason, meta, payload, data, version, original)
		SELECT {now}, {destination}, {source}, {rule}, {reason}, {meta}, {payload}, {data}, {v}, {original} FROM {rows} _r{raw}`, a))
}

func nullable(s string) *Query {
	if s == "" {
		return SQL("NULL")
	}
	return Lit(s)
}

// DataJSON is a row's columns as a JSON object.
func DataJSON(alias string, cols []string) *Query {
	if len(cols) == 0 {
		return SQL("'{}'::JSON")
	}
	return SQL("to_json(struct_pack({fields}))", Args{"fields": Each(", ", cols, func(c string) *Query {
		return SQL("{n} := {v}", Args{"n": Ident(c), "v": Ident(alias, c)})
	})})
}
