package serve

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"unsafe"

	"dsql/engine/duck"
	"dsql/ingest/objects"
	"dsql/models"
	"dsql/models/model"
	"dsql/sql"
	"dsql/sql/code"
)

// Models are scored without SQL: the same scorer as the SQL function's, on rows that are decoded as a source's are.

// modelAt is a model with its versions.
type modelAt struct {
	name     string
	versions []*versionAt
	inUse    *versionAt // nil: none is
}

// versionAt is a version with what decodes rows for it.
type versionAt struct {
	*models.Scorer
	quoted []byte // its name, in JSON
	free   chan *objects.Objects
	together
}

// loadModels reads which models there are. A version that was there stays what it was, with the model in memory.
func (v *view) loadModels(ctx context.Context, c *duck.Conn, was *view) error {
	all, err := models.Scorers(ctx, c)
	if err != nil {
		return err
	}
	known := map[string]*versionAt{}
	for _, m := range was.models {
		for _, x := range m.versions {
			known[x.Key()] = x
		}
	}
	v.models, v.modelled = map[sql.Key]*modelAt{}, nil
	for _, s := range all {
		m := v.models[sql.KeyOf(s.Name)]
		if m == nil {
			m = &modelAt{name: s.Name}
			v.models[sql.KeyOf(s.Name)] = m
			v.modelled = append(v.modelled, s.Name)
		}
		x := known[s.Key()]
		if x == nil {
			x = &versionAt{Scorer: s, quoted: jsonText(s.Name), free: make(chan *objects.Objects, decoders), together: together{score: s.Score}}
		}
		if m.versions = append(m.versions, x); s.InUse {
			m.inUse = x
		}
	}
	return nil
}

// model is what a request means by a name and (""; the one in use) a version.
func (s *server) model(v *view, name, version string) (*versionAt, error) {
	m := v.models[sql.KeyOf(name)]
	if m == nil {
		hint := "CREATE MODEL declares one"
		if near := sql.Nearest(name, v.modelled); near != "" {
			hint = "did you mean " + near + "?"
		} else if len(v.modelled) > 0 {
			hint = "there are " + strings.Join(v.modelled, ", ")
		}
		return nil, refuse(http.StatusNotFound, code.UnknownName, hint, "there is no model %s", name)
	}
	if version == "" && m.inUse != nil {
		return m.inUse, nil
	}
	for _, x := range m.versions {
		if strconv.Itoa(x.Version) == version {
			return x, nil
		}
	}
	return nil, refuse(http.StatusNotFound, code.UnknownVersion, fmt.Sprintf("there are 1 to %d", m.versions[len(m.versions)-1].Version),
		"%s has no version %s", m.name, version)
}

// asked is the model that a request asks, by its path.
func (s *server) askedModel(ctx context.Context, r *http.Request) (*versionAt, *view, error) {
	v, err := s.file.looker.view(ctx)
	if err != nil {
		return nil, nil, err
	}
	x, err := s.model(v, r.PathValue("name"), r.PathValue("version"))
	return x, v, err
}

// prediction is what a model gives for rows, as JSON: values without the brackets around them, and how many rows there are.
type prediction struct {
	values []byte
	rows   int
	width  int
}

// score decodes rows and scores them, as many at a time as a chunk has.
func (x *versionAt) score(ctx context.Context, f *file, rows [][]byte, flat bool) (*prediction, error) {
	if x.InPython() {
		return x.byFunction(ctx, f, rows, flat)
	}
	o, err := x.decoder(ctx, f)
	if err != nil {
		return nil, err
	}
	defer func() { x.give(o) }()
	p := &prediction{width: 1}
	for from := 0; from < len(rows); {
		n, err := x.decode(o, rows, from)
		if err != nil {
			return nil, err
		}
		cols := x.columns(o)
		if len(rows) == 1 {
			if s, ok := x.join(cols); ok {
				x.give(o) // while it waits others decode
				o = nil
				got, at, err := x.seated(s)
				if err == nil {
					p.add(got, at, 1, x.List() && !flat)
				}
				return p, err
			}
		}
		got, err := x.Score(cols, n)
		if err != nil {
			return nil, err
		}
		p.add(got, 0, n, x.List() && !flat)
		from += n
	}
	return p, nil
}

// columns are the rows that were decoded as the model takes them.
func (x *versionAt) columns(o *objects.Objects) []model.Column {
	cols := make([]model.Column, len(x.Inputs))
	for i, in := range x.Inputs {
		cols[i].Values, cols[i].Valid = o.Doubles(i)
		if in.Type != "VARCHAR" {
			continue
		}
		cols[i].Values = nil
		for r := range o.Rows {
			cols[i].Text = append(cols[i].Text, o.Text(i, r))
		}
	}
	return cols
}

// wrong says what is wrong with a row.
func (x *versionAt) wrong(err error, row int) error {
	hint := "DESCRIBE MODEL " + x.Name + " says what it takes"
	if unknown := (*objects.UnknownField)(nil); errors.As(err, &unknown) {
		if near := sql.Nearest(unknown.Name, duck.ColumnNames(x.Inputs)); near != "" {
			hint = "did you mean " + near + "?"
		}
		return refuse(http.StatusBadRequest, code.UnknownParameter, hint, "row %d: the model %s has no input %s", row, x.Name, unknown.Name)
	}
	return refuse(http.StatusBadRequest, code.BadParameter, hint, "row %d: %s", row, err)
}

// add appends what was scored of n rows from the first on.
func (p *prediction) add(s *models.Scores, first, n int, lists bool) {
	p.width = s.Width
	b := p.values
	for r := first; r < first+n; r++ {
		if p.rows > 0 {
			b = append(b, ',')
		}
		p.rows++
		switch {
		case s.None[r]:
			b = append(b, "null"...)
			continue
		case s.Texts != nil:
			b = append(b, jsonText(s.Texts[r])...)
			continue
		case lists:
			b = append(b, '[')
		}
		for i := range s.Width {
			if i > 0 {
				b = append(b, ',')
			}
			switch at := r*s.Width + i; {
			case s.Ints != nil:
				b = strconv.AppendInt(b, s.Ints[at], 10)
			case s.Bools != nil:
				b = strconv.AppendBool(b, s.Bools[at])
			case s.Leaves != nil:
				b = strconv.AppendInt(b, int64(s.Leaves[at]), 10)
			default:
				b = appendDouble(b, s.Floats[at])
			}
		}
		if lists {
			b = append(b, ']')
		}
	}
	p.values = b
}

// appendDouble writes a DOUBLE as to_json does: the fewest digits that tell it, with a point; what is no number as a text.
func appendDouble(b []byte, x float64) []byte {
	switch {
	case math.IsNaN(x):
		return append(b, `"NaN"`...)
	case math.IsInf(x, 0):
		return fmt.Appendf(b, `"%sInfinity"`, map[bool]string{true: "-"}[x < 0])
	}
	from := len(b)
	if abs := math.Abs(x); abs != 0 && (abs < 1e-4 || abs >= 1e16) {
		return strconv.AppendFloat(b, x, 'e', -1, 64)
	}
	b = strconv.AppendFloat(b, x, 'f', -1, 64)
	if bytes.IndexByte(b[from:], '.') < 0 {
		b = append(b, ".0"...)
	}
	return b
}

// predict answers POST /v1/models/NAME[/versions/N]/predict.
func (s *server) predict(w *recorder, r *http.Request) error {
	return s.scored(w, r, func(x *versionAt, body []byte) (*rowsAsked, error) {
		rows, err := objectsOf(body)
		return &rowsAsked{rows: rows}, err
	}, func(w *recorder, x *versionAt, _ *rowsAsked, p *prediction) {
		b := make([]byte, 0, len(p.values)+len(x.Name)+64)
		b = append(append(b, `{"predictions":[`...), p.values...)
		b = append(append(b, `],"model":{"name":`...), x.quoted...)
		b = append(strconv.AppendInt(append(b, `,"version":`...), int64(x.Version), 10), "}}\n"...)
		_, _ = w.Write(b) // a client that went away
	})
}

// rowsAsked are the rows of a request, each a JSON object, and what its answer must repeat.
type rowsAsked struct {
	rows [][]byte
	id   string
	flat bool // lists of values are not nested
}

// scored reads a request for a model, scores its rows, and answers.
func (s *server) scored(w *recorder, r *http.Request, read func(*versionAt, []byte) (*rowsAsked, error),
	answer func(*recorder, *versionAt, *rowsAsked, *prediction)) error {
	ctx, cancel := context.WithTimeout(r.Context(), s.o.Limits.Time)
	defer cancel()
	if err := isJSON(r); err != nil {
		return err
	}
	body, err := s.body(w, r)
	if err != nil {
		return err
	}
	s.use.RLock()
	defer s.use.RUnlock()
	x, v, err := s.askedModel(ctx, r)
	if err != nil {
		return err
	}
	asked, err := read(x, body)
	if err != nil {
		return err
	}
	p, err := x.score(ctx, s.file, asked.rows, asked.flat)
	if err != nil {
		return err
	}
	w.stamp(v.version)
	w.Header().Set("Content-Type", "application/json")
	answer(w, x, asked, p)
	return nil
}

// objectsOf are the rows of a body: an object, an array of objects, or {"rows": […]}.
func objectsOf(body []byte) ([][]byte, error) {
	body = bytes.TrimSpace(body)
	if len(body) == 0 {
		return nil, refuse(http.StatusBadRequest, code.BadJSON, `send {"input": value, …}, or an array of such objects`, "the body is empty")
	}
	if body[0] == '{' {
		var outer struct {
			Rows *json.RawMessage `json:"rows"`
		}
		if !bytes.Contains(body, []byte(`"rows"`)) || json.Unmarshal(body, &outer) != nil || outer.Rows == nil || (*outer.Rows)[0] != '[' {
			return [][]byte{body}, nil
		}
		body = *outer.Rows
	}
	var list []json.RawMessage
	if err := json.Unmarshal(body, &list); err != nil {
		return nil, refuse(http.StatusBadRequest, code.BadJSON, `send {"input": value, …}, or an array of such objects`,
			"the body is no JSON: %v",
			err)
	}
	return *(*[][]byte)(unsafe.Pointer(&list)), nil // the same type under another name
}

// listModels answers GET /v1/models.
func (s *server) listModels(w *recorder, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), s.o.Limits.Time)
	defer cancel()
	s.use.RLock()
	defer s.use.RUnlock()
	v, err := s.file.looker.view(ctx)
	if err != nil {
		return err
	}
	type one struct {
		Name    string     `json:"name"`
		Version int        `json:"version"`
		InUse   bool       `json:"in_use"`
		Format  string     `json:"format"`
		Inputs  []columnOf `json:"inputs"`
		Output  string     `json:"output"`
		Returns duck.Type  `json:"returns"`
	}
	list := []one{}
	for _, name := range v.modelled {
		m := v.models[sql.KeyOf(name)]
		for _, x := range m.versions {
			list = append(list, one{x.Name, x.Version, m.inUse == x, x.Format, columnsOf(x.Inputs), x.Output, x.Returns})
		}
	}
	w.stamp(v.version)
	answerJSON(w, http.StatusOK, "application/json", struct {
		Models []one `json:"models"`
	}{list})
	return nil
}

// columnOf is a column in an answer.
type columnOf struct {
	Name string    `json:"name"`
	Type duck.Type `json:"type"`
}

func columnsOf(cols []duck.Column) []columnOf {
	out := make([]columnOf, len(cols))
	for i, c := range cols {
		out[i] = columnOf(c)
	}
	return out
}
