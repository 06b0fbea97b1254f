package serve

import (
	"bufio"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"dsql/engine/duck"
	"dsql/sql/code"
)

// media are the forms of an answer.
type media struct {
	name string
	form duck.Form
}

var (
	asJSON  = media{"application/json", duck.AsJSON}
	asCSV   = media{"text/csv", duck.AsText}
	asArrow = media{"application/vnd.apache.arrow.stream", duck.AsArrow}
)

// accepts chooses the form of an answer; JSON where the client takes any.
func accepts(r *http.Request) (media, error) {
	header := strings.Join(r.Header.Values("Accept"), ",")
	if header == "" {
		return asJSON, nil
	}
	best, quality := media{}, 0.0
	for part := range strings.SplitSeq(header, ",") {
		kind, params, _ := strings.Cut(part, ";")
		q := 1.0
		for p := range strings.SplitSeq(params, ";") {
			if v, ok := strings.CutPrefix(strings.ToLower(strings.TrimSpace(p)), "q="); ok {
				if q, _ = strconv.ParseFloat(v, 64); q < 0 || q > 1 {
					q = 0
				}
			}
		}
		var m media
		switch strings.ToLower(strings.TrimSpace(kind)) {
		case "*/*", "application/*", "application/json":
			m = asJSON
		case "text/*", "text/csv":
			m = asCSV
		case asArrow.name:
			m = asArrow
		default:
			continue
		}
		if q > quality {
			best, quality = m, q
		}
	}
	if quality == 0 {
		return best, refuse(http.StatusNotAcceptable, code.NotAcceptable, "answers are application/json, text/csv and "+asArrow.name,
			"no answer is of the types in Accept: %s", header)
	}
	return best, nil
}

// table writes rows with their columns. What it can't tell the client any more, since the answer has begun, is its error.
type table struct {
	w       *bufio.Writer
	arrow   *duck.ArrowWriter
	columns []duck.Column
	names   [][]byte // as JSON
	json    []bool   // columns of type JSON
}

func newTable(w *recorder, columns []duck.Column) *table {
	t := &table{w: bufio.NewWriterSize(w, 32<<10), columns: columns}
	t.arrow = duck.NewArrowWriter(t.w)
	taken := map[string]int{} // with the number that the next of the name may have
	for _, c := range columns {
		name, n := c.Name, max(1, taken[c.Name])
		for ; taken[name] > 0; n++ {
			name = fmt.Sprintf("%s_%d", c.Name, n)
		}
		taken[c.Name] = n
		taken[name] = max(1, taken[name])
		t.names = append(t.names, jsonText(name))
		t.json = append(t.json, c.Type == "JSON")
	}
	return t
}

// head is what stands before the rows of an answer in JSON.
func (t *table) head() {
	t.w.WriteString(`{"columns":[`)
	for i, c := range t.columns {
		if i > 0 {
			t.w.WriteByte(',')
		}
		t.w.WriteString(`{"name":`)
		t.w.Write(t.names[i])
		t.w.WriteString(`,"type":`)
		t.w.Write(jsonText(c.Type))
		t.w.WriteByte('}')
	}
	t.w.WriteString(`],"rows":[`)
}

// object writes the row in hand, from its column at on, as a JSON object.
func (t *table) object(rows *duck.Rows, at int) error {
	for i, name := range t.names {
		t.w.WriteByte("{,"[min(i, 1)])
		t.w.Write(name)
		t.w.WriteByte(':')
		text, ok := rows.Text(at + i)
		if !ok {
			t.w.WriteString("null")
			continue
		}
		t.w.Write(duck.ValidJSON(text, t.json[i]))
	}
	if len(t.names) == 0 {
		t.w.WriteByte('{')
	}
	return t.w.WriteByte('}')
}

// objects writes rows as JSON, with commas between.
func (t *table) objects(rows *duck.Rows) (err error) {
	for n := 0; err == nil && rows.Next(); n++ {
		if n > 0 {
			t.w.WriteByte(',')
		}
		err = t.object(rows, 0)
	}
	if err == nil {
		err = rows.Err()
	}
	return err
}

// header writes the names as CSV; with row a column of that name comes first.
func (t *table) header(row bool) {
	if row {
		t.w.WriteString("row")
	}
	for i, c := range t.columns {
		t.field(i > 0 || row, []byte(c.Name), true)
	}
	t.w.WriteByte('\n')
}

// lines writes rows as CSV, of columns before those of the table too; prefix stands before each.
func (t *table) lines(rows *duck.Rows, columns int, prefix string) (err error) {
	for err == nil && rows.Next() {
		t.w.WriteString(prefix)
		for i := range columns {
			text, ok := rows.Text(i)
			t.field(i > 0 || prefix != "", text, ok)
		}
		err = t.w.WriteByte('\n')
	}
	if err == nil {
		err = rows.Err()
	}
	return err
}

// field is RFC 4180: NULL is empty, the empty text is quoted.
func (t *table) field(comma bool, text []byte, ok bool) {
	if comma {
		t.w.WriteByte(',')
	}
	s := string(text)
	if ok && (s == "" || strings.ContainsAny(s, ",\"\r\n")) {
		s = `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
	}
	t.w.WriteString(s)
}
