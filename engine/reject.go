package engine

import (
	"context"
	"slices"
	"time"
)

// Rejection is a set of rows that a destination does not take.
type Rejection struct {
	Destination, Source string
	Rule                *Query   // an expression giving the constraint's or check's name; nil: NULL
	Reason              *Query   // an expression giving "code: details"
	Rows                *Query   // a FROM-item
	Columns             []Column // what of a row is kept
	Was                 Was      // what the row was before the SETs; none: as Input says
	Kept                *Kept    // expressions over _r that give the row as it is kept, instead of Columns and Was
	Input               *Input   // the source's batch; nil: the rows come from a stored table
	HasRow              bool     // Rows have _row, the record's id in the batch
	Version             int64
}

// BadRecord is a bad record of a source as dsql.rejects has it.
type BadRecord struct {
	ID           int64
	Payload, Key []byte // nil: none
	Opening      string // of a file that can't be read without: how it began
	File, Topic  string
	Partition    int32
	Offset       int64
	Time         time.Time // the zero Time: none
	Headers      []struct {
		Key   string  `json:"k"`
		Value *string `json:"v"` // hexadecimal
	}
}

// Redecoded is a batch of records that were bad, decoded anew. Its relations have no coordinates of their own: ID, over _meta, is the
// reject that a record is of.
type Redecoded struct {
	Input *Input
	ID    *Query
	Took  int    // so many of the records given
	Close func() // when the batch has been released
}

// Redecoder is a source that can decode again, by the declaration of now, what it rejected: as many of the records as make a batch.
type Redecoder interface {
	Redecode(ctx context.Context, c *Conn, env *Env, cols []Column, records []BadRecord) (*Redecoded, error)
}

// Was is what SETs changed of a row.
type Was struct {
	Columns []string
	Struct  *Query // an expression giving these columns, as they were, as a STRUCT
}

// Kept is a row in dsql.rejects: data shows it, original the columns that SETs changed as they were; exact has what JSON doesn't hold
// of what is replayed. The last two may be nil.
type Kept struct{ Data, Original, Exact *Query }

// KeptRow is the row _r as it is kept.
func KeptRow(cols []Column, was Was) Kept {
	k := Kept{Data: DataJSON("_r", ColumnNames(cols))}
	if was.Struct != nil {
		k.Original = SQL("to_json({was})", Args{"was": was.Struct})
	}
	k.Exact = exactJSON(cols, func(c Column) *Query {
		if slices.Contains(was.Columns, c.Name) {
			return SQL("struct_extract({was}, {n})", Args{"was": was.Struct, "n": c.Name})
		}
		return Ident("_r", c.Name)
	})
	return k
}

// Reject writes rows to dsql.rejects and returns how many. A row that still knows its record (_row) is kept with the record's
// coordinates and original bytes.
func (tx *Tx) Reject(ctx context.Context, r Rejection) (int64, error) {
	a := Args{"now": Now, "destination": r.Destination, "source": nullable(r.Source), "rule": SQL("NULL"), "reason": r.Reason, "v": r.Version,
		"rows": r.Rows, "raw": SQL(""), "meta": SQL("NULL"), "payload": SQL("NULL"), "original": SQL("NULL"), "exact": SQL("NULL")}
	if r.Rule != nil {
		a["rule"] = r.Rule
	}
	was := r.Was
	if r.HasRow && r.Input != nil {
		a["meta"], a["payload"] = SQL("_raw._meta"), SQL("_raw._payload")
		of := SQL("NULL")
		if r.Input.SourceOf != nil {
			of, a["source"] = r.Input.SourceOf, SQL("_raw._source")
		}
		a["raw"] = SQL(" LEFT JOIN (SELECT _meta, _payload, {of} AS _source, {id} AS _id FROM {raw}) _raw ON _raw._id = _r._row", Args{"of": of, "id": r.Input.RowID, "raw": r.Input.Raw})
		if o := r.Input.Original; o != nil && was.Struct == nil && r.Kept == nil {
			was = Was{o.Columns, SQL("_o._was")}
			a["raw"] = SQL("{raw} LEFT JOIN {was} _o ON _o._row = _r._row", a, Args{"was": o.Struct})
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
	return tx.Exec(ctx, SQL(`INSERT INTO dsql.rejects (rejected_at, destination, source, rule, reason, meta, payload, data, version, original, exact)
		SELECT {now}, {destination}, {source}, {rule}, {reason}, {meta}, {payload}, {data}, {v}, {original}, {exact} FROM {rows} _r{raw}`, a))
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
