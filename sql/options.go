package sql

import (
	"slices"
	"strings"

	"dsql/sql/code"
)

// options reads ( ['value',] name value, … ).
func (r *reader) options(c *clause, v *Value) bool {
	if !r.isOp("(") {
		return r.expected(code.ExpectedList, c.after("options in parentheses"), "write "+c.usage())
	}
	seen := map[string]Span{}
	first := r.i + 1
	r.elements(code.ExpectedName, "an option", func() bool {
		var o Option
		switch {
		case r.i == first && r.bareValue():
			ok := r.optionValue(&o)
			o.At = o.Value
			return ok && r.option(v, o)
		case !r.isName(r.i):
			hint := r.optionsHint(c, "")
			if r.i < r.end && strings.ContainsAny(r.text(r.toks[r.i])[:1], "./*") {
				hint = unquotedPath
			}
			return r.expected(code.ExpectedName, "the name of an option", hint)
		}
		n, ok := r.name()
		if !ok {
			return false
		}
		o.Name, o.At = lower(n.Text), n.Span
		if at, twice := seen[o.Name]; twice {
			r.fail(o.At, code.DuplicateOption, "remove one of them", "the option %s is given twice", tidy(o.Name)).WithNote(r.at(at),
				"first given here")
			r.i = r.end
			return true
		}
		seen[o.Name] = o.At
		if !c.takes(o.Name) {
			hint := r.optionsHint(c, o.Name)
			if instead := c.Instead[o.Name]; instead != "" {
				hint = instead
			} else if after := r.src.Text[o.At.End:]; strings.Contains(o.Name, ".") || after != "" && strings.ContainsAny(after[:1], "./*") {
				hint = unquotedPath
			}
			r.fail(o.At, code.UnknownOption, hint, "%s has no option %s", c.name(), tidy(keepStart(o.Name)))
			r.i = r.end
			return true
		}
		if !r.more() {
			o.Kind, o.Value = OptNone, o.At
			return r.option(v, o)
		}
		return r.optionValue(&o) && r.option(v, o)
	})
	return true
}

func (r *reader) option(v *Value, o Option) bool {
	v.Options = append(v.Options, o)
	return true
}

// bareValue reports that a value without a name stands here.
func (r *reader) bareValue() bool {
	return r.kind(r.i) == String || r.isOp("[") || r.parameter(r.i) || (r.word(r.i, "env") || r.word(r.i, "CAST")) && r.op(r.i+1, "(")
}

// takes reports that a clause has an option of this name.
func (c *clause) takes(name string) bool {
	return len(c.Options) == 0 || slices.ContainsFunc(c.Options, func(o OptionDoc) bool { return o.Name == AnyOption || same(o.Name, name) })
}

const unquotedPath = "put the path in quotes: 'in/*.csv'"

func (r *reader) optionsHint(c *clause, name string) string {
	var names []string
	for _, o := range c.Options {
		if o.Name != AnyOption && o.Name != "" {
			names = append(names, o.Name)
		}
	}
	return DidYouMean(name, names, Listed("its options are ", names, "options are written name value"))
}

// typed are the words that make a literal of the string behind them.
var typed = set("DATE TIME TIMESTAMP TIMESTAMPTZ INTERVAL")

// optionValue reads the value of an option. What follows it is the list's to report.
func (r *reader) optionValue(o *Option) bool {
	start := r.i
	if r.computes() {
		r.computed(r.end)
		o.Value = r.since(start)
		return true
	}
	text := r.text(r.toks[r.i])
	ok := true
	switch kind := r.kind(r.i); {
	case kind == String:
		ok = r.optionString(o)
	case kind == Number, (text == "-" || text == "+") && r.kind(r.i+1) == Number:
		o.Kind = OptNumber
		if kind == Op {
			r.i++
		}
		o.Text = strings.TrimPrefix(strings.ReplaceAll(text+r.text(r.toks[r.i]), "_", ""), "+")
		if kind == Number {
			o.Text = strings.ReplaceAll(text, "_", "")
		}
		r.i++
	case r.word(r.i, "env") && r.op(r.i+1, "(") && r.i+1 < r.end:
		o.Kind = OptEnv
		closing := int(r.closes[r.i+1])
		r.i += 2
		if r.kind(r.i) != String || closing != r.i+1 {
			r.expected(code.ExpectedString, "the name of an environment variable", "write env('NAME')")
			r.i = r.end
			return false
		}
		ok = r.optionString(o)
		o.Kind = OptEnv
		r.i = closing + 1
	case kind == Word && typed[strings.ToUpper(text)] && r.kind(r.i+1) == String:
		o.Type = lower(text)
		r.i++
		ok = r.optionString(o)
	case r.word(r.i, "interval") && r.kind(r.i+1) == Number && r.kind(r.i+2) == Word:
		o.Kind, o.Type, o.Text = OptString, "interval", r.text(r.toks[r.i+1])+" "+lower(r.text(r.toks[r.i+2]))
		r.i += 3
	case kind == Word, kind == Quoted:
		o.Kind = OptWord
		n, good := r.name()
		if !good {
			return false
		}
		o.Names = []Name{n}
		if o.Text = n.Text; kind == Word {
			o.Text = lower(n.Text)
		}
	case text == "(", text == "[", text == "{":
		o.Kind = OptList
		r.skip()
		r.note(PartSQL, start, r.i)
		o.Text = r.since(start).Of(r.src)
		o.Names = r.namesIn(start, r.i)
	case text == "*":
		o.Kind, o.Text = OptWord, "*"
		r.i++
	default:
		hint := ""
		if text == "=" || text == ":" {
			hint = "options are written name value, without " + text
		}
		return r.expected(code.ExpectedValue, "a value of "+tidy(keepStart(o.Name)), hint)
	}
	o.Value = r.since(start)
	return ok
}

func (r *reader) optionString(o *Option) bool {
	v := &Value{}
	ok := r.string(v)
	o.Kind, o.Text = OptString, v.Text
	return ok
}

// namesIn are the names of ( a, b ), nil when it is anything else.
func (r *reader) namesIn(open, end int) []Name {
	if !r.op(open, "(") {
		return nil
	}
	var out []Name
	for i := open + 1; i < end-1; i += 2 {
		if !r.isName(i) || !r.op(i+1, ",") && i+1 != end-1 {
			return nil
		}
		text := r.text(r.toks[i])
		if r.kind(i) == Quoted {
			text, _ = Unquote(text)
		}
		out = append(out, Name{Text: text, Span: r.toks[i].Span})
	}
	return out
}
