package watermark

import (
	"context"
	"time"

	"dsql/engine/duck"
)

// there says that the file has what is stored of event time: one that no run of this dsql has seen lacks the tables.
func there(ctx context.Context, c *duck.Conn) (bool, error) {
	n, err := c.Int(ctx, duck.SQL(`SELECT count(*) FROM duckdb_tables()
		WHERE schema_name = 'dsql' AND table_name = 'watermarks' AND database_name = current_database()`))
	if err != nil || n == 0 {
		return false, err
	}
	n, err = c.Int(ctx, duck.SQL("SELECT count(*) FROM dsql.watermarks"))
	return n > 0, err
}

// shown is a query of how far event time has come: a row a destination and input.
func shown() *duck.Query {
	return duck.SQL(`SELECT destination, input, max(watermark) AS watermark, max(up_to) AS closed_up_to,
		any_value(newest) AS newest, any_value(partitions) AS partitions, any_value(behind) AS furthest_behind
		FROM (SELECT destination, input, count(*) AS partitions, max(newest) AS newest,
			arg_min(CASE WHEN topic = '' THEN source ELSE topic || '[' || partition || ']' END, coalesce(newest, '-infinity'::TIMESTAMP)) AS behind
			FROM dsql.watermarks GROUP BY ALL) LEFT JOIN dsql.closed USING (destination, input) GROUP BY destination, input ORDER BY destination, input`)
}

// Stand is how far event time has come in an input of a destination; a time is zero where there is none.
type Stand struct {
	Destination, Input string
	Watermark, Closed  time.Time
	Partitions         int64
	Behind             string // the part that holds the watermark back
}

// Stands are those of all destinations.
func Stands(ctx context.Context, c *duck.Conn) ([]Stand, error) {
	if known, err := there(ctx, c); err != nil || !known {
		return nil, err
	}
	return duck.Select(ctx, c, duck.SQL(`SELECT destination, input, coalesce(epoch_us(watermark), {none}), coalesce(epoch_us(closed_up_to), {none}),
		partitions, furthest_behind FROM ({q})`, duck.Args{"q": shown(), "none": int64(None)}),
		func(row func(...any) error) (s Stand, err error) {
			var watermark, upTo int64
			err = row(&s.Destination, &s.Input, &watermark, &upTo, &s.Partitions, &s.Behind)
			s.Watermark, s.Closed = at(watermark), at(upTo)
			return s, err
		})
}

func at(us int64) time.Time {
	if us == None {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}
