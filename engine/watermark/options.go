package watermark

import (
	"time"

	"dsql/sql"
	"dsql/sql/code"
)

// Clause is WATERMARK, of a declaration that takes rows in event time.
var Clause = sql.Clause{Keyword: "WATERMARK", Arg: sql.ArgOptions,
	Options: []sql.OptionDoc{
		{Name: "idle", Doc: "a partition that was read to its end and gave nothing for so long doesn't count ('1 minute')"},
		{Name: "max_ahead", Doc: "a time that is further ahead of the clock doesn't move the watermark ('5 minutes'; '0': any does)"},
		{Name: "close_idle", Doc: "when all partitions gave nothing for so long the watermark goes to the newest time (never)"}},
	Doc: "how the watermark goes on: the least, over the partitions, of the newest time that was taken"}

// Options are those of WATERMARK.
type Options struct {
	Idle      time.Duration
	MaxAhead  time.Duration // 0: none is too far
	CloseIdle time.Duration // 0: never
}

// Compile reads the clause; nil: it wasn't written.
func Compile(d *sql.Decl, v *sql.Value) (Options, error) {
	out := Options{Idle: time.Minute, MaxAhead: 5 * time.Minute}
	if v == nil {
		return out, nil
	}
	var errs sql.List
	for _, o := range v.Options {
		to := map[string]*time.Duration{"idle": &out.Idle, "max_ahead": &out.MaxAhead, "close_idle": &out.CloseIdle}[o.Name]
		if to == nil {
			errs = append(errs, d.At(o.At).Errorf(code.UnknownOption, "WATERMARK takes options with a name").
				WithHint("write WATERMARK (idle '1 minute')"))
			continue
		}
		t, ok := sql.Duration(o.Text)
		if !ok || t < 0 || o.Kind != sql.OptString && o.Kind != sql.OptNumber {
			errs = append(errs, d.At(o.Value).Errorf(code.BadDuration, "%s is no length of time", o.Value.Of(d.Src)).
				WithHint("write "+o.Name+" '1 minute'"))
			continue
		}
		*to = t
	}
	return out, errs.Err()
}
