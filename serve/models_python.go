package serve

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"

	"dsql/engine/duck"
	"dsql/ingest/objects"
	"dsql/sql"
)

// What Python scores is called as SQL calls it: its workers, limits and errors are those of the function.

// byFunction decodes rows and has DuckDB call the version's function, for as many at a time as a chunk has.
func (x *versionAt) byFunction(ctx context.Context, f *file, rows [][]byte, flat bool) (p *prediction, err error) {
	rd, err := f.readers.take(ctx)
	if err != nil {
		return nil, err
	}
	defer f.readers.give(rd)
	o, err := objects.New(rd.conn, x.Inputs)
	if err != nil {
		return nil, err
	}
	rel := o.Relation()
	defer func() {
		rel.Close()
		err = errors.Join(err, o.Close())
	}()
	args := make([]*duck.Query, len(x.Inputs))
	for i := range args {
		args[i] = column(i)
	}
	q := duck.SQL("SELECT {call} FROM {rows}", duck.Args{"call": x.Call(args), "rows": rel.Query()})
	p = &prediction{width: 1}
	for from := 0; from < len(rows); {
		n, err := x.decode(o, rows, from)
		if err != nil {
			return nil, err
		}
		o.Show(rel)
		if err := p.run(ctx, rd.conn, q, x.List() && flat); err != nil {
			return nil, err
		}
		from += n
	}
	return p, nil
}

// run appends what a query gives, a value a row; flat leaves out the brackets of lists.
func (p *prediction) run(ctx context.Context, c *duck.Conn, q *duck.Query, flat bool) error {
	r, err := c.Query(ctx, q, sql.Place{})
	if err != nil {
		return err
	}
	defer r.Close()
	for r.Next() {
		value := r.JSON(0)
		if flat {
			var items []json.RawMessage
			if err := json.Unmarshal(value, &items); err != nil {
				return err
			}
			if p.width = len(items); p.width > 0 {
				value = bytes.TrimSuffix(bytes.TrimPrefix(value, []byte("[")), []byte("]"))
			}
		}
		if p.rows > 0 {
			p.values = append(p.values, ',')
		}
		p.rows++
		p.values = append(p.values, value...)
	}
	return r.Err()
}
