package serve

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"dsql/engine/duck"
	"dsql/sql"
)

// mostCompleted are the names that are offered, of a text that is no longer than this.
const (
	mostCompleted  = 12
	longestToWrite = 16 << 10
)

// completion is what may stand at the end of a text, from a place on; the browser counts in units of UTF-16.
type completion struct {
	From  int      `json:"from"`
	Names []string `json:"names"`
}

// complete answers what DuckDB would go on with, ?q= up to where the text is being written.
func (s *server) complete(w *recorder, r *http.Request) error {
	text := r.URL.Query().Get("q")
	c := completion{Names: []string{}}
	if len(text) <= longestToWrite && !inText(text) {
		if err := s.strange(r.Context(), func(ctx context.Context, rd *reader) (err error) {
			c, err = goOn(ctx, rd, text)
			return err
		}); err != nil {
			return err
		}
	}
	answerJSON(w, http.StatusOK, "application/json", c)
	return nil
}

// isWord: it may be a name; DuckDB offers brackets and commas too.
func isWord(s string) bool {
	first, _ := utf8.DecodeRuneInString(s)
	return first == '"' || first == '_' || unicode.IsLetter(first)
}

// inText: the end lies in a string or remark, where DuckDB would offer the files of the machine.
func inText(text string) bool {
	src := sql.NewSource("query", text)
	tokens := sql.Tokens(src, sql.Span{End: len(text)})
	if len(tokens) == 0 {
		return strings.Contains(text, "--") || strings.Contains(text, "/*")
	}
	last := tokens[len(tokens)-1]
	return last.Kind == sql.String && last.Span.End == len(text) || strings.Contains(text[last.Span.End:], "--") ||
		strings.Contains(text[last.Span.End:], "/*") || strings.HasPrefix(last.Span.Of(src), "'")
}

// goOn asks DuckDB.
func goOn(ctx context.Context, rd *reader, text string) (c completion, err error) {
	c.Names = []string{}
	if err := rd.begin(ctx); err != nil {
		return c, err
	}
	defer func() { _ = rd.end() }() // an error has ended it
	type offer struct {
		name string
		from int64
	}
	found, err := duck.Select(ctx, rd.conn, duck.SQL(`SELECT suggestion, suggestion_start FROM sql_auto_complete({q})
		WHERE suggestion_type NOT IN ('file_name', 'directory') AND NOT contains(suggestion, '__')`, duck.Args{"q": text}),
		func(row func(...any) error) (o offer, err error) {
			err = row(&o.name, &o.from)
			o.name = strings.TrimRight(o.name, " ")
			return o, err
		})
	if err != nil {
		return c, err
	}
	from := int64(0)
	for _, o := range found {
		switch {
		case !isWord(o.name) || o.from < 0 || o.from > int64(len(text)) || slices.Contains(c.Names, o.name):
		case len(c.Names) == 0:
			c.Names, from = append(c.Names, o.name), o.from
		case o.from == from && len(c.Names) < mostCompleted:
			c.Names = append(c.Names, o.name)
		}
	}
	c.From = len(utf16.Encode([]rune(text[:from])))
	return c, nil
}
