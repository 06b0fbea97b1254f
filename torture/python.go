package torture

import (
	"fmt"

	"dsql/sql/code"
)

// A function in Python in a rule, SET a = py_reject(a): it fails for one value, and ON ERROR says what then.

// python is the name of the function and its text, by what ON ERROR says.
func python(onError string) (name, text string) {
	name = "py_" + low(onError)
	return name, fmt.Sprintf(`CREATE FUNCTION %s(a VARCHAR) RETURNS VARCHAR LANGUAGE python ON ERROR %s AS $$
def %[1]s(a: str):
    if a == 'y':
        raise ValueError('no y')
    return None if a is None else a + '?'
$$;
`, name, onError)
}

// python is what a rule's function makes of a row: whether it stays.
func (b *batch) python(r *Rec, onError string) (kept bool, err error) {
	s, there := r.Row.str("a")
	failed := there && s == "y"
	switch {
	case failed && onError == "FAIL":
		return false, &exit{code: code.ExitFailed, why: "function"}
	case failed && onError == "REJECT": // as it was then
		b.reject(*r, "", "function")
		return false, nil
	}
	r.Row = r.Row.with("a", either[Value](there && !failed, s+"?", nil))
	r.Absent = filter(r.Absent, func(c string) bool { return c != "a" })
	return true, nil
}

// befores are the statements that must stand before a declaration.
func befores(d *Decl) []string {
	out := []string{forms[d.Form].before}
	for _, r := range d.Rules {
		if r.Python != "" {
			_, text := python(r.Python)
			out = append(out, text)
		}
	}
	return filter(out, func(s string) bool { return s != "" })
}
