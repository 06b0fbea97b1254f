package models

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"dsql/engine/duck"
	"dsql/internal/lazy"
	"dsql/models/stored"
	"dsql/sql"
)

var (
	wrongNumber = lazy.Regexp(`'` + numberFunction + `\((.*?)\)'`)
	wrongModel  = lazy.Regexp(`'dsql_model_(.+)_(\d+)_[0-9a-f]{12}_(?:prediction|raw|label|contrib|leaf|reasons)(\(.*?\))'`)
	wrongMacro  = lazy.Regexp(`(?i)^macro "?([^"(]+?)"?\(\) does not support the supplied arguments`)
	versioned   = lazy.Regexp(`^(.+)_v\d+$`)
)

// Explain says in the words of models what DuckDB says of the functions that they are made of.
func Explain(ctx context.Context, c *duck.Conn, e *sql.Error) {
	if m := wrongNumber().FindStringSubmatch(e.Msg); m != nil {
		e.Msg = fmt.Sprintf("an argument of a model is a number, and this is %s", m[1])
		e.Hint = "convert it, CAST(… AS DOUBLE), or see what the model takes: DESCRIBE MODEL"
	}
	if m := wrongModel().FindStringSubmatch(e.Msg); m != nil {
		e.Msg = fmt.Sprintf("the model %s takes other arguments than %s", m[1], m[3])
		e.Hint = "see what it takes: DESCRIBE MODEL " + m[1]
		if _, in := inputsOf(ctx, c, m[1]); in != nil {
			e.Hint = inOrder(m[1], in)
		}
	}
	if m := wrongMacro().FindStringSubmatch(e.Msg); m != nil {
		if of, ok := strings.CutSuffix(strings.ToLower(m[1]), stored.ReasonsName("")); ok {
			if name, in := inputsOf(ctx, c, of); in != nil {
				e.Msg = stored.ReasonsName(name) + " takes two arguments: a STRUCT that has the model's by name, and how many inputs are wanted"
				e.Hint = fmt.Sprintf("FROM flights f has the row f: %s(f, 3); %s", stored.ReasonsName(name), inOrder(name, in))
				return
			}
		}
		if name, in := inputsOf(ctx, c, m[1]); in != nil {
			e.Msg = fmt.Sprintf("the model %s takes %d arguments, or one STRUCT that has them by name", name, len(in))
			if len(in) == 1 {
				e.Msg = fmt.Sprintf("the model %s takes one argument", name)
			}
			e.Hint = inOrder(name, in)
		}
	}
}

// inputsOf are the arguments of the model that a function is of, in order; nil: there is none.
func inputsOf(ctx context.Context, c *duck.Conn, function string) (name string, in []input) {
	for _, name := range append([]string{function}, versioned().FindStringSubmatch(function)...) {
		vs, err := versions(ctx, c, name)
		if err != nil || len(vs) == 0 {
			continue
		}
		v := vs[max(0, slices.IndexFunc(vs, func(v version) bool {
			return v.InUse && sql.Same(function, v.Name) || sql.Same(function, fmt.Sprintf("%s_v%d", v.Name, v.Version))
		}))]
		return v.Name, v.Inputs
	}
	return "", nil
}

// mostInputs is how many arguments an error lists.
const mostInputs = 12

func inOrder(model string, in []input) string {
	var list []string
	for _, i := range in[:min(len(in), mostInputs)] {
		list = append(list, i.Name+" "+i.Type)
	}
	text := "its arguments in order: " + strings.Join(list, ", ")
	if len(in) > mostInputs {
		text += fmt.Sprintf(" … (%d in all: DESCRIBE MODEL %s)", len(in), model)
	}
	return text
}
