package pyfunc

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"dsql/sql"
	"dsql/sql/code"
)

// error is one about the function, at its declaration.
func (f *Function) error(msg, hint string) *sql.Error {
	at := f.place()
	return sql.Place{Src: at.Src, Span: at.Name}.Errorf(code.Function, "%s", msg).WithHint(hint)
}

// explain makes an error of a call one that users see: where in their code, with which arguments, and what to do.
func (f *Function) explain(err error) error {
	var w *wrong
	var dead *ended
	var known *sql.Error
	switch {
	case errors.As(err, &w):
		return f.wrong(w)
	case errors.As(err, &dead):
		return f.error(fmt.Sprintf("the process of %s ended twice at the same rows: %s", f.Name, dead.how),
			"the rows were tried twice; a function must not end its process (os._exit, a crash in a library); "+f.memoryHint())
	case errors.Is(err, errTimeout):
		return f.error(fmt.Sprintf("%s was called and gave nothing for %s, its timeout; its process was ended", f.Name, f.Options.Timeout),
			"mend the function, or give it more time: (timeout '5m')")
	case errors.Is(err, errFrame):
		return f.error(fmt.Sprintf("the process of %s wrote what is no answer: %s", f.Name, err),
			"a function must not write to descriptors that it didn't open")
	case errors.As(err, &known):
		e := *known
		at := f.place()
		e.Src, e.Span = at.Src, at.Name
		return &e
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	}
	return f.error(f.Name+": "+err.Error(), "")
}

func (f *Function) memoryHint() string {
	if f.Options.Memory > 0 {
		return "or it needs more memory than the declaration gives it"
	}
	return "or the system ended it for want of memory"
}

// packages are names of packages whose modules have others.
var packages = map[string]string{"sklearn": "scikit-learn", "cv2": "opencv-python-headless", "PIL": "pillow", "yaml": "pyyaml",
	"bs4": "beautifulsoup4", "dateutil": "python-dateutil", "skimage": "scikit-image"}

// Install says how an interpreter gets a module.
func Install(python, module string) string {
	top, _, _ := strings.Cut(module, ".")
	if name, ok := packages[top]; ok {
		top = name
	}
	return fmt.Sprintf("install it: %s -m pip install %s", python, top)
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return s
}

// mends is what to do where the function itself is wrong; a model has no ON ERROR.
func (f *Function) mends(function, model string) string {
	if f.Data != nil {
		return model
	}
	return function + ", or declare it ON ERROR NULL or REJECT"
}

func (f *Function) wrong(w *wrong) *sql.Error {
	e := f.error(f.Name+": "+firstLine(w.Text), "")
	at := f.place()
	var hints []string
	switch w.Kind {
	case "load":
		e.Msg = f.Name + " can't be loaded: " + firstLine(w.Text)
		if w.Module != "" {
			hints = append(hints, Install(w.executable, w.Module))
		} else {
			hints = append(hints, "mend its code")
		}
	case "entry":
		e.Msg = fmt.Sprintf("the code of %s has no function %s", f.Name, f.Code.Entry)
		hints = append(hints, fmt.Sprintf("write def %s(…): the Python function has the SQL function's name, or the one behind the colon of FROM",
			f.Code.Entry))
		if near := sql.Nearest(f.Code.Entry, w.Names); near != "" {
			hints = append(hints, "did you mean "+near+"?")
		}
	case "signature":
		e.Msg = f.Name + ": " + firstLine(w.Text)
		hints = append(hints, "give the Python function the parameters that the declaration has")
	case "argument":
		hints = append(hints, called(w, false))
	case "returned":
		if at.Returns != (sql.Span{}) {
			e.Span = at.Returns
		}
		e.Msg = f.Name + ": " + firstLine(w.Text)
		hints = append(hints, called(w, true), f.mends("change what the function gives, or RETURNS", "correct what the model says that it gives"))
	case "worker":
		e.Msg = f.Name + ": the worker failed: " + firstLine(w.Text)
		hints = append(hints, "this is a fault of dsql's: report it with what follows")
	default:
		hints = append(hints, called(w, true), f.mends("mend the function, leave such rows out", "mend the model, or leave such rows out"))
	}
	if w.Memory {
		hints = append(hints, f.memoryHint())
	}
	if w.Hint != "" {
		hints = append(hints, w.Hint)
	}
	if src, sp, ok := f.inCode(w.Frames); ok {
		e.Src, e.Span = src, sp
	}
	e.Hint = strings.Join(hints, "; ")
	e.Hint = strings.TrimPrefix(strings.ReplaceAll(e.Hint, "; ; ", "; "), "; ")
	if w.Traceback != "" {
		e.Hint += "\n        " + strings.ReplaceAll(strings.TrimSpace(shorten(w.Traceback)), "\n", "\n        ")
	}
	return e
}

// called says which row it was, and with what the function was called.
func called(w *wrong, arguments bool) string {
	if w.Row == nil {
		if w.rows == 1 {
			return ""
		}
		return fmt.Sprintf("it was called with %d rows", w.rows)
	}
	where := ""
	if w.rows > 1 {
		where = fmt.Sprintf("row %d of the %d of this call", *w.Row+1, w.rows)
	}
	if !arguments || len(w.Arguments) == 0 {
		return where
	}
	if where != "" {
		where = " (" + where + ")"
	}
	return "it was called with " + strings.Join(w.Arguments, ", ") + where
}

const mostTraceback = 40 // lines

// shorten leaves out Python's own carets, which stand under parts of lines in some of its versions, and the middle of a long traceback.
func shorten(t string) string {
	lines := slices.DeleteFunc(strings.Split(strings.TrimSpace(t), "\n"), func(l string) bool {
		return strings.Trim(l, " ~^") == "" && l != ""
	})
	if len(lines) <= mostTraceback {
		return strings.Join(lines, "\n")
	}
	half := mostTraceback / 2
	return strings.Join(lines[:half], "\n") + fmt.Sprintf("\n  … %d lines …\n", len(lines)-2*half) + strings.Join(lines[len(lines)-half:],
		"\n")
}

// inCode is the last frame that stands in the user's own text.
func (f *Function) inCode(frames []frame) (*sql.Source, sql.Span, bool) {
	at := f.place()
	for i := len(frames) - 1; i >= 0; i-- {
		fr := frames[i]
		if f.Code.Module == "" && fr.File == at.file() && at.Src != nil {
			if sp, ok := inlineSpan(at, f.Code.Text, fr); ok {
				return at.Src, sp, true
			}
		}
		for _, m := range f.Code.Modules {
			if m.Path == fr.File {
				src := sql.NewSource(m.Path, m.Text)
				if sp, ok := lineSpan(src.Text, 0, fr); ok {
					return src, sp, true
				}
			}
		}
	}
	return nil, sql.Span{}, false
}

// inlineSpan finds a line of the inline text in the script. Python may have been given it without the blanks that all its lines begin
// with, and behind where the first one starts in the script.
func inlineSpan(at Place, text string, fr frame) (sql.Span, bool) {
	n := fr.Line - at.line()
	lines := strings.Split(text, "\n")
	if n < 0 || n >= len(lines) {
		return sql.Span{}, false
	}
	start := 0
	for range fr.Line - 1 {
		i := strings.IndexByte(at.Src.Text[start:], '\n')
		if i < 0 {
			return sql.Span{}, false
		}
		start += i + 1
	}
	line := firstLine(at.Src.Text[start:])
	inside := strings.TrimSpace(lines[n])
	col := strings.Index(line, inside)
	if inside == "" || col < 0 {
		return lineSpan(at.Src.Text, 0, fr)
	}
	if fr.From == nil {
		return sql.Span{Start: start + col, End: start + col + len(inside)}, true
	}
	margin := 0
	for _, l := range lines {
		if strings.TrimSpace(l) != "" {
			margin = len(l) - len(strings.TrimLeft(l, " \t"))
			break
		}
	}
	indent := len(lines[n]) - len(strings.TrimLeft(lines[n], " \t"))
	shift := col - max(0, indent-margin)
	return columns(start, line, shift, fr), true
}

// lineSpan is a frame's place in a text of its own.
func lineSpan(text string, shift int, fr frame) (sql.Span, bool) {
	start := 0
	for range fr.Line - 1 {
		i := strings.IndexByte(text[start:], '\n')
		if i < 0 {
			return sql.Span{}, false
		}
		start += i + 1
	}
	return columns(start, firstLine(text[start:]), shift, fr), true
}

func columns(start int, line string, shift int, fr frame) sql.Span {
	from := len(line) - len(strings.TrimLeft(line, " \t"))
	to := len(strings.TrimRight(line, " \t\r"))
	if fr.From != nil && *fr.From+shift >= 0 && *fr.From+shift <= len(line) {
		from = *fr.From + shift
		if fr.To != nil && *fr.To > *fr.From && *fr.To+shift <= len(line) {
			to = *fr.To + shift
		}
	}
	for from > 0 && from < len(line) && !utf8.RuneStart(line[from]) {
		from--
	}
	return sql.Span{Start: start + from, End: start + max(from, to)}
}
