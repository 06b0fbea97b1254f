package serve

import (
	"context"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"dsql/engine/duck"
	"dsql/engine/watermark"
)

// How far event time has come is read of the file where somebody asks for it.

var (
	watermarkAt = prometheus.NewDesc("dsql_watermark_seconds", "The watermark of event time, in seconds since 1970.",
		[]string{"destination", "input"}, nil)
	closedAt = prometheus.NewDesc("dsql_closed_seconds", "Windows that end up to then are closed, in seconds since 1970.",
		[]string{"destination", "input"}, nil)
	newestAt = prometheus.NewDesc("dsql_event_time_seconds", "The newest time that a partition gave, in seconds since 1970.",
		[]string{"destination", "input", "source", "topic", "partition"}, nil)
	lateRows = prometheus.NewDesc("dsql_late_rows_total", "Rows that were rejected because they came too late.", []string{"destination"}, nil)
)

// timesWithin is how long a scrape waits for them.
const timesWithin = 5 * time.Second

// times are a collector of Prometheus.
type times struct{ s *server }

func (t times) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{watermarkAt, closedAt, newestAt, lateRows} {
		out <- d
	}
}

// Collect gives what is known; an error ends it, as a file that can't be read is told elsewhere.
func (t times) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), timesWithin)
	defer cancel()
	t.s.use.RLock()
	defer t.s.use.RUnlock()
	c, err := t.s.file.db.Reader(ctx)
	if err != nil {
		return
	}
	defer c.Close()
	stands, err := watermark.Stands(ctx, c)
	if err != nil || len(stands) == 0 {
		return
	}
	for _, s := range stands {
		for d, at := range map[*prometheus.Desc]time.Time{watermarkAt: s.Watermark, closedAt: s.Closed} {
			if !at.IsZero() {
				out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(at.UnixMicro())/1e6, s.Destination, s.Input)
			}
		}
	}
	type part struct {
		labels [5]string
		value  float64
	}
	parts, err := duck.Select(ctx, c, duck.SQL(`SELECT destination, input, source, topic, partition, epoch_us(newest) / 1e6 FROM dsql.watermarks
		WHERE newest IS NOT NULL`), func(row func(...any) error) (p part, err error) {
		var number int64
		err = row(&p.labels[0], &p.labels[1], &p.labels[2], &p.labels[3], &number, &p.value)
		if p.labels[3] != "" {
			p.labels[4] = strconv.FormatInt(number, 10)
		}
		return p, err
	})
	if err != nil {
		return
	}
	for _, p := range parts {
		out <- prometheus.MustNewConstMetric(newestAt, prometheus.GaugeValue, p.value, p.labels[:]...)
	}
	late, err := duck.Select(ctx, c, duck.SQL(`SELECT destination, count(r.id) FILTER (starts_with(r.reason, 'too_late:'))::DOUBLE
		FROM (SELECT DISTINCT destination FROM dsql.watermarks) LEFT JOIN dsql.rejects r USING (destination) GROUP BY destination`),
		func(row func(...any) error) (p part, err error) {
			return p, row(&p.labels[0], &p.value)
		})
	if err != nil {
		return
	}
	for _, p := range late {
		out <- prometheus.MustNewConstMetric(lateRows, prometheus.CounterValue, p.value, p.labels[0])
	}
}
