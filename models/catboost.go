package models

import (
	"context"
	"errors"
	"slices"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/models/catboost"
	"dsql/models/load"
	"dsql/models/model"
	"dsql/sql/code"
)

// catboostFormat is that of CatBoost's files: dsql scores them where it can, with FORMAT or without; with it Python scores the others.
const catboostFormat = "catboost"

// ownOrPython is the function of FORMAT catboost.
func (m *declared) ownOrPython(ctx context.Context, tx *duck.Tx, env *kind.Env) (fn function, want options, data []byte, err error) {
	why, err := m.whyPython(ctx, tx, env)
	if err != nil {
		return fn, want, nil, err
	}
	if why == "" {
		return m.native(ctx, tx, env)
	}
	if m.missing != nil {
		return fn, want, nil, m.decl.Errorf(code.ModelFormat, "Python scores this model, and missing is for what dsql scores itself: %s", why).
			WithHint("leave the option out, and write nullif(x, …)")
	}
	fn, want, data, err = m.inPython(ctx, tx, env)
	want.Way = why
	return fn, want, data, err
}

// whyPython is why Python has to score the model, "" where dsql does. A version stays as it was stored.
func (m *declared) whyPython(ctx context.Context, tx *duck.Tx, env *kind.Env) (string, error) {
	data, err := m.read(env)
	if err != nil {
		return "", err
	}
	vs, err := versions(ctx, tx.Conn, m.decl.Name)
	if err != nil {
		return "", err
	}
	if n := len(vs); n > 0 && vs[n-1].Options.Python != nil && vs[n-1].Hash == hashOf(data) && vs[n-1].Options.Output == m.output.String() &&
		slices.Equal(vs[n-1].Options.Inputs, m.inputs()) && m.missing == nil {
		return vs[n-1].Options.Way, nil
	}
	loaded, err := load.Load(data, model.Options{})
	if err != nil {
		var not *catboost.Unsupported
		if errors.As(err, &not) {
			return not.Why, nil
		}
		return err.Error(), nil
	}
	return m.misfit(loaded.Inputs(), false), nil
}
