package run

import (
	"context"
	"fmt"
	"strings"

	"dsql/engine/kind"
	"dsql/pipeline/event"
	"dsql/pipeline/program"
	"dsql/sql"
	"dsql/sql/code"
)

var rollbackVerb = &program.Verb{
	Syntax: &sql.Syntax{Verb: "ROLLBACK",
		Clauses: []sql.Clause{{Keyword: "TO VERSION", Arg: sql.ArgInt, Required: true, Doc: "the version to go back to"}},
		Doc: "Makes a new version that equals an old one. What came later is forgotten; places stay, so it isn't read again. " +
			"A rollup has none: it is what its query gives over its input, so roll that back."},
	On:    program.OnDestinations,
	Check: program.Targets,
	Plan:  &program.Planned{Action: "ROLLBACK", Touches: rolledBack},
	Run:   maintain((*runner).rollback),
}

func (r *runner) rollback(ctx context.Context, d *sql.Decl, n *program.Node, dest kind.Destination) error {
	to := d.Arg("TO VERSION")
	if to.Int < 0 || to.Int > r.version {
		return d.At(to.Span).Errorf(code.NoVersion, "there is no version %d: the newest is %d", to.Int, r.version).
			WithHint("dsql.versions lists them")
	}
	b, ok := dest.(kind.Rollbacker)
	if !ok {
		e := d.Errorf(code.NothingRemembered, "%s keeps no older versions that it could go back to", n.Name)
		if _, total := n.Total(); total {
			in := n.Inputs[0].Of
			return e.WithHint(fmt.Sprintf("it is what its query gives over %s: ROLLBACK %s %s TO VERSION %d", in.Name,
				strings.ToUpper(in.Kind), in.Name, to.Int))
		}
		return e
	}
	return r.newVersion(ctx, n, fmt.Sprintf("rollback to version %d", to.Int), false,
		func(tx *transaction, rows *event.DestinationRows) (err error) {
			rows.Counts, err = b.Rollback(ctx, tx.Tx, to.Int, tx.version)
			return err
		})
}
