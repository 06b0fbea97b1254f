package rules

import (
	"dsql/engine/duck"
)

// anyVolatile reports whether an expression calls a function that gives another value each time: random(), nextval(), or a
// macro that calls one.
func (b *compiler) anyVolatile() (bool, error) {
	var texts []string
	for _, s := range b.p.steps {
		texts = append(texts, s.expr.String())
	}
	known, err := b.c.Routines(b.ctx, texts...)
	if err != nil {
		return false, err
	}
	for name := range known {
		if known.Any(name, func(r duck.Routine) bool { return r.Stability == "VOLATILE" }) {
			return true, nil
		}
	}
	return false, nil
}
