package watch

import (
	"context"
	"math"

	"dsql/engine/duck"
)

// A version that holds a day is far from a baseline of a month, for its weekday; one version far off may be chance. So a feature drifts
// when the median psi of the last versions is above both what is customary and what the baseline's own versions show:
//
//	drift_<feature> = median of psi_<feature> over this version and up to four before it / max(0.2, 1.25 · the 95 % quantile of psi_<feature> of
//	the baseline's own versions)
//
// It drifts above 1. drifted is how many do.

const (
	driftAbove    = 0.2
	driftMargin   = 1.25
	driftVersions = 5
)

func (s *session) drift(ctx context.Context, tx *duck.Tx, out *records, version int64, g group) error {
	before, err := s.before(ctx, tx, version)
	if err != nil {
		return err
	}
	drifted := 0.0
	for _, f := range s.features() {
		b := s.base[f.name]
		seen := before["psi_"+f.name]
		if x := psi(shares(g.tallies[f.name].counts), shares(b.Counts)); !math.IsNaN(x) {
			seen = append(seen, x)
		}
		drift := none
		if len(seen) > 0 {
			drift = quantile(seen, 0.5) / max(driftAbove, driftMargin*b.Usual)
		}
		if drift > 1 {
			drifted++
		}
		out.metric("drift_"+f.name, drift)
	}
	out.metric("drifted", drifted)
	return nil
}

// before are the psi of the versions before one, that were measured with the same bins.
func (s *session) before(ctx context.Context, tx *duck.Tx, version int64) (map[string][]float64, error) {
	since := s.base[scored].Since
	if since == version {
		return nil, nil
	}
	out := map[string][]float64{}
	names := duck.Each(", ", s.features(), func(f feature) *duck.Query { return duck.Lit("psi_" + f.name) })
	_, err := duck.Select(ctx, tx.Conn, duck.SQL(`SELECT metric, value FROM dsql.metrics WHERE destination = {m} AND metric IN ({names})
			AND value IS NOT NULL AND version IN (SELECT DISTINCT version FROM dsql.metrics WHERE destination = {m} AND metric = {score}
				AND version >= {since} AND version < {v} ORDER BY version DESC LIMIT {n})`,
		duck.Args{"m": s.decl.Name, "names": names, "score": "psi_" + scored, "since": since, "v": version, "n": driftVersions - 1}),
		func(row func(...any) error) (none struct{}, err error) {
			var name string
			var x float64
			err = row(&name, &x)
			out[name] = append(out[name], x)
			return none, err
		})
	return out, err
}
