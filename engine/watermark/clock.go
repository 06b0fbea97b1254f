// Package watermark owns how far event time has come for what takes rows in event time: of each part of what it reads the newest time that
// was taken, and of all parts together the watermark. What a time is of a row, and what ends at which watermark, is its users' business.
//
// A user loads a Clock in the transaction of a version, tells it what each part gave (Take) and which parts there are (Expect), lets it go
// on (Move), and saves it: all that stands in dsql.watermarks and dsql.closed, so a kill gives all of a version or nothing.
package watermark

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"

	"dsql/engine/duck"
	"dsql/engine/kind"
)

// None is a time before all others: none was taken.
const None = math.MinInt64

// Mark is how far a part has come.
type Mark struct {
	kind.Part
	Newest int64     // the newest time that was taken, in microseconds; None
	Seen   time.Time // when it gave a row, or was first looked for
	AtEnd  bool      // in this run it was read to its end; not stored
	moved  bool
}

// Clock is how far a destination has come in one of its inputs.
type Clock struct {
	Destination, Input string
	Options
	Marks     []Mark
	Watermark int64 // it never goes back; None
	UpTo      int64 // what ends at this time or before it is closed; None. The user sets it
	was       [2]int64
	rows      int64 // of dsql.closed
	gone      []kind.Part
}

// kept is how many rows dsql.closed keeps of a destination and input at least. Of twice as many the oldest go: the newest says how far it
// has come, those before it only since when. A run that follows would make a hundred a second.
const kept = 1000

// Load reads a clock.
func Load(ctx context.Context, c *duck.Conn, destination, input string, o Options) (*Clock, error) {
	out := &Clock{Destination: destination, Input: input, Options: o, Watermark: None, UpTo: None}
	a := duck.Args{"d": destination, "i": input}
	_, err := c.Scan(ctx, duck.SQL(`SELECT coalesce(max(epoch_us(watermark)), {none}), coalesce(max(epoch_us(up_to)), {none}), count(*)
		FROM dsql.closed WHERE destination = {d} AND input = {i}`, a, duck.Args{"none": int64(None)}), &out.Watermark, &out.UpTo, &out.rows)
	if err != nil {
		return nil, err
	}
	out.was = [2]int64{out.Watermark, out.UpTo}
	out.Marks, err = duck.Select(ctx, c, duck.SQL(`SELECT source, topic, partition, coalesce(epoch_us(newest), {none}), epoch_us(seen_at)
		FROM dsql.watermarks WHERE destination = {d} AND input = {i} ORDER BY ALL`, a, duck.Args{"none": int64(None)}),
		func(row func(...any) error) (m Mark, err error) {
			var seen int64
			err = row(&m.Source, &m.Topic, &m.Partition, &m.Newest, &seen)
			m.Seen = time.UnixMicro(seen)
			return m, err
		})
	return out, err
}

// mark is a part's, made where it isn't there.
func (c *Clock) mark(p kind.Part, now time.Time) *Mark {
	i := slices.IndexFunc(c.Marks, func(m Mark) bool { return m.Part == p })
	if i < 0 {
		c.Marks = append(c.Marks, Mark{Part: p, Newest: None, Seen: now, moved: true})
		i = len(c.Marks) - 1
	}
	return &c.Marks[i]
}

// Expect notes that a part is there: until it has given a row, or was idle, nothing goes on. A source of which no part was known may
// turn out to have several.
func (c *Clock) Expect(p kind.Part, atEnd bool, now time.Time) {
	if p.Topic == "" { // of one that is known by its parts this is about all of them
		found := false
		for i := range c.Marks {
			if m := &c.Marks[i]; m.Source == p.Source {
				m.AtEnd, found = atEnd, true
			}
		}
		if found {
			return
		}
	}
	c.mark(p, now).AtEnd = atEnd
	if p.Topic == "" {
		return
	}
	whole := kind.Part{Source: p.Source}
	if i := slices.IndexFunc(c.Marks, func(m Mark) bool { return m.Part == whole }); i >= 0 {
		c.Marks = slices.Delete(c.Marks, i, i+1)
		c.gone = append(c.gone, whole)
	}
}

// Keep forgets the parts of sources that are none of these: nothing comes of them any more.
func (c *Clock) Keep(sources []string) {
	c.Marks = slices.DeleteFunc(c.Marks, func(m Mark) bool {
		if slices.Contains(sources, m.Source) {
			return false
		}
		c.gone = append(c.gone, m.Part)
		return true
	})
}

// Take notes that a part gave rows, the newest of this time; None: none of them has one that counts.
func (c *Clock) Take(p kind.Part, newest int64, now time.Time) {
	m := c.mark(p, now)
	m.Newest, m.Seen, m.moved = max(m.Newest, newest), now, true
}

// Parts are those that are known.
func (c *Clock) Parts() (out []kind.Part) {
	for _, m := range c.Marks {
		out = append(out, m.Part)
	}
	return out
}

// Idle says that a part doesn't count: it was read to its end, and gave nothing for so long.
func (m *Mark) Idle(after time.Duration, now time.Time) bool {
	return m.AtEnd && now.Sub(m.Seen) >= after
}

// Move lets the watermark go on, and says whether it did.
func (c *Clock) Move(now time.Time) bool {
	least, newest, counts, still := int64(math.MaxInt64), int64(None), false, len(c.Marks) > 0
	for i := range c.Marks {
		m := &c.Marks[i]
		newest = max(newest, m.Newest)
		still = still && m.Idle(c.CloseIdle, now)
		if !m.Idle(c.Idle, now) {
			least, counts = min(least, m.Newest), true
		}
	}
	to := int64(None) // all are idle: it stands still
	switch {
	case counts:
		to = least
	case still && c.CloseIdle > 0:
		to = newest
	}
	if to <= c.Watermark {
		return false
	}
	c.Watermark = to
	return true
}

// Save writes down, in the transaction of a version, what has moved.
func (c *Clock) Save(ctx context.Context, tx *duck.Tx, version int64) error {
	a := duck.Args{"d": c.Destination, "i": c.Input, "v": version}
	for _, p := range c.gone {
		if err := tx.Run(ctx, duck.SQL("DELETE FROM dsql.watermarks WHERE destination = {d} AND input = {i} AND source = {s} AND topic = {t} AND "+
			"partition = {p}", a, duck.Args{"s": p.Source, "t": p.Topic, "p": p.Partition})); err != nil {
			return err
		}
	}
	moved := slices.DeleteFunc(slices.Clone(c.Marks), func(m Mark) bool { return !m.moved })
	slices.SortFunc(moved, func(a, b Mark) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
	if len(moved) > 0 {
		a["rows"] = duck.Each(", ", moved, func(m Mark) *duck.Query {
			return duck.SQL("({d}, {i}, {s}, {t}, {p}, {newest}, make_timestamp({seen}), {v})", a,
				duck.Args{"s": m.Source, "t": m.Topic, "p": m.Partition, "newest": Time(m.Newest), "seen": m.Seen.UnixMicro()})
		})
		a["parts"] = duck.Each(", ", moved, func(m Mark) *duck.Query {
			return duck.SQL("({s}, {t}, {p})", duck.Args{"s": m.Source, "t": m.Topic, "p": m.Partition})
		})
		if err := tx.Run(ctx, duck.SQL("DELETE FROM dsql.watermarks WHERE destination = {d} AND input = {i} AND (source, topic, partition) IN "+
			"({parts})", a),
			duck.SQL("INSERT INTO dsql.watermarks VALUES {rows}", a)); err != nil {
			return err
		}
	}
	if now := [2]int64{c.Watermark, c.UpTo}; now == c.was {
		return nil
	}
	if c.rows >= 2*kept {
		a["kept"] = kept - 1
		if err := tx.Run(ctx, duck.SQL(`DELETE FROM dsql.closed WHERE destination = {d} AND input = {i} AND rowid NOT IN (SELECT rowid
			FROM dsql.closed WHERE destination = {d} AND input = {i} ORDER BY version DESC, rowid DESC LIMIT {kept})`, a)); err != nil {
			return err
		}
	}
	return tx.Run(ctx, duck.SQL("INSERT INTO dsql.closed VALUES ({d}, {i}, {v}, {watermark}, {up_to})", a,
		duck.Args{"watermark": Time(c.Watermark), "up_to": Time(c.UpTo)}))
}

// Time is one as SQL, NULL for None.
func Time(us int64) *duck.Query {
	if us == None {
		return duck.SQL("NULL::TIMESTAMP")
	}
	return duck.SQL("make_timestamp({us})", duck.Args{"us": us})
}

// Micros is a time in microseconds, of an expression of any type of times; NULL where it is infinite.
func Micros(ts *duck.Query) *duck.Query {
	return duck.SQL("CASE WHEN isfinite({ts}) THEN epoch_us({ts}) END", duck.Args{"ts": ts})
}

// Newest is the newest of times, in microseconds, that may move a watermark: an aggregate. Those further ahead of the clock don't count.
func (o Options) Newest(ts *duck.Query) *duck.Query {
	a := duck.Args{"us": Micros(ts), "most": o.mostAt(time.Now())}
	return duck.SQL("max({us}) FILTER ({us} <= {most})", a)
}

// Ahead is the newest of times that don't count, in microseconds: an aggregate; NULL where all do.
func (o Options) Ahead(ts *duck.Query) *duck.Query {
	return duck.SQL("max({us}) FILTER ({us} > {most})", duck.Args{"us": Micros(ts), "most": o.mostAt(time.Now())})
}

func (o Options) mostAt(now time.Time) int64 {
	if o.MaxAhead == 0 {
		return math.MaxInt64
	}
	return now.Add(o.MaxAhead).UnixMicro()
}

// Forget takes what a destination has of all of its inputs out of the file.
func Forget(ctx context.Context, tx *duck.Tx, destination string) error {
	a := duck.Args{"d": destination}
	return tx.Run(ctx, duck.SQL("DELETE FROM dsql.watermarks WHERE destination = {d}", a),
		duck.SQL("DELETE FROM dsql.closed WHERE destination = {d}", a), duck.SQL("DELETE FROM dsql.retained WHERE destination = {d}", a))
}
