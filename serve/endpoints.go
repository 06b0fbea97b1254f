package serve

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"dsql/engine/duck"
	"dsql/sql"
	"dsql/sql/code"
)

// asked is a request to an endpoint: the rows of parameters, each a JSON object.
type asked struct {
	objects [][]byte
	array   bool
	media   media
	turn    *turn
}

// endpoint answers /v1/endpoints/NAME.
func (s *server) endpoint(w *recorder, r *http.Request) error {
	form, err := accepts(r)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), s.o.Limits.Time)
	defer cancel()
	var body []byte
	if r.Method == http.MethodPost {
		if err := isJSON(r); err != nil {
			return err
		}
		if body, err = s.body(w, r); err != nil {
			return err
		}
	}
	s.use.RLock()
	defer s.use.RUnlock()
	var t turn
	defer t.end()
	for again := 0; ; again++ {
		v, err := s.file.looker.view(ctx)
		if err != nil {
			return err
		}
		at, err := s.find(v, r.PathValue("name"))
		if err != nil {
			return err
		}
		a := &asked{media: form, turn: &t}
		if r.Method == http.MethodPost {
			err = a.fromBody(body)
		} else {
			err = a.fromURL(at, r.URL.RawQuery)
		}
		if err != nil {
			return err
		}
		if at.Log != "" {
			err = s.answerLogged(ctx, w, r, v, at, a)
		} else {
			err = s.answer(ctx, w, r, v, at, a)
		}
		switch {
		case errors.Is(err, errTurn):
			t.wait(ctx)
			continue
		case errors.Is(err, errPassed):
			t.settle(ctx, s.file.db)
			continue
		}
		if err == nil || again == mostTries || w.status != 0 || !movedOn(err) {
			return err
		}
		s.file.looker.forget() // what it reads was declared anew between the look and the statement
	}
}

// mostTries is how often a request is looked at again.
const mostTries = 10

// movedOn: a statement doesn't bind any more, or to something else.
func movedOn(err error) bool {
	return errors.Is(err, errMoved) || sql.HasCode(err, code.DuckDBBinder, code.DuckDBCatalog)
}

// find is an endpoint by its name.
func (s *server) find(v *view, name string) (*served, error) {
	if at := v.endpoints[sql.KeyOf(name)]; at != nil {
		return at, nil
	}
	if !s.ran.Load() {
		return nil, refuse(http.StatusServiceUnavailable, code.NotReady, "wait until /readyz says so", "the script is still running")
	}
	hint := "CREATE ENDPOINT declares one"
	if near := sql.Nearest(name, v.names); near != "" {
		hint = "did you mean " + near + "?"
	} else if len(v.names) > 0 {
		hint = "there are " + strings.Join(v.names, ", ")
	}
	return nil, refuse(http.StatusNotFound, code.UnknownName, hint, "there is no endpoint %s", name)
}

// fromURL makes an object of the parameters of a URL. What isn't nested is a text, which is converted as a text in JSON is.
func (a *asked) fromURL(at *served, query string) error {
	values, err := url.ParseQuery(query)
	if err != nil {
		return refuse(http.StatusBadRequest, code.BadParameter, "write name=value&…, with %XX for other characters",
			"the query of the URL can't be read: %v", err)
	}
	var b bytes.Buffer
	b.WriteByte('{')
	for _, name := range slices.Sorted(maps.Keys(values)) {
		texts := values[name]
		if !utf8.ValidString(name + texts[0]) {
			return refuse(http.StatusBadRequest, code.BadParameter, "send texts in UTF-8", "the parameter %q isn't UTF-8", name)
		}
		if len(texts) > 1 {
			return refuse(http.StatusBadRequest, code.BadParameter, "give it once", "the parameter %s is given %d times", name, len(texts))
		}
		if b.Len() > 1 {
			b.WriteByte(',')
		}
		b.Write(jsonText(name))
		b.WriteByte(':')
		if nested(at.typeOf(name)) && json.Valid([]byte(texts[0])) {
			b.WriteString(texts[0])
		} else {
			b.Write(jsonText(texts[0]))
		}
	}
	b.WriteByte('}')
	a.objects = [][]byte{b.Bytes()}
	return nil
}

func (at *served) typeOf(name string) duck.Type {
	for _, p := range at.params {
		if sql.Same(p.Name, name) {
			return p.Type
		}
	}
	return ""
}

// nested: values of the type are written as JSON.
func nested(t duck.Type) bool { return t.ID().Nested() || t.ID() == duck.TypeJSON }

// fromBody takes an object, or an array of them; nothing at all is an object without fields.
func (a *asked) fromBody(body []byte) error {
	body = bytes.TrimSpace(body)
	switch {
	case len(body) == 0:
		a.objects = [][]byte{[]byte("{}")}
		return nil
	case body[0] != '[':
		a.objects = [][]byte{body}
		return nil
	}
	var list []json.RawMessage
	if err := json.Unmarshal(body, &list); err != nil {
		return refuse(http.StatusBadRequest, code.BadJSON, "send an object, or an array of them", "the body is no JSON: %v", err)
	}
	a.array = true
	for _, o := range list {
		a.objects = append(a.objects, o)
	}
	return nil
}

// answer runs the endpoint's query and writes what it gives.
func (s *server) answer(ctx context.Context, w *recorder, r *http.Request, v *view, at *served, a *asked) error {
	if tag := s.etag(r, v, at); tag != "" && known(r, tag) && s.file.db.Epoch() == v.epoch {
		w.stamp(v.version)
		w.Header().Set("ETag", tag)
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	key := at.keep(a)
	if known := s.file.kept.get(key, v.epoch); known != nil && s.file.db.Epoch() == v.epoch {
		if len(at.lookups) > 0 {
			s.metrics.kept.Inc()
		}
		s.head(w, r, at, a, v.epoch, known.version)
		_, err := w.Write(known.body)
		return err
	}
	rd, err := s.file.readers.take(ctx)
	if err != nil {
		return err
	}
	defer s.file.readers.give(rd)
	b, err := rd.bind(at)
	if err != nil {
		return err
	}
	if err := b.decode(a.objects, a.array); err != nil {
		return err
	}
	if a.array {
		return s.answerArray(ctx, w, rd, b, v, a)
	}
	q, err := b.inTurn(ctx, v, a.media.form, a.turn)
	if err != nil {
		return err
	}
	rows, epoch, version, done, err := rd.ask(ctx, s.file.looker, v, &at.slow, q)
	if err != nil {
		return err
	}
	defer done()
	if len(at.lookups) > 0 {
		s.metrics.looked(q)
	}
	s.head(w, r, at, a, epoch, version)
	if key != "" {
		w.copy = make([]byte, 0, 512)
	}
	t := newTable(w, at.columns)
	switch a.media {
	case asArrow:
		_, err = t.arrow.Write(rows, -1)
	case asCSV:
		t.header(false)
		err = t.lines(rows, len(at.columns), "")
	default:
		t.head()
		if err = t.objects(rows); err == nil {
			t.w.WriteString(`],"version":` + strconv.FormatInt(version, 10) + "}\n")
		}
	}
	if err = t.end(w, err); err == nil && w.copy != nil && epoch%2 == 0 {
		s.file.kept.put(&keptAnswer{key: key, epoch: epoch, version: version, body: w.copy})
	}
	return err
}

// head are the headers of an answer.
func (s *server) head(w *recorder, r *http.Request, at *served, a *asked, epoch uint64, version int64) {
	if tag := s.etag(r, &view{epoch: epoch}, at); tag != "" {
		w.Header().Set("ETag", tag)
		w.Header().Set("Cache-Control", "no-cache")
	}
	w.stamp(version)
	w.Header().Set("Content-Type", a.media.name)
}

// keep is what an answer is kept under; "": it isn't, since it may be another one in the same state.
func (at *served) keep(a *asked) string {
	if at.volatile || a.array {
		return ""
	}
	return at.version + "\x00" + string(sql.KeyOf(at.name)) + "\x00" + a.media.name + "\x00" + string(a.objects[0])
}

// end sends what is left of an answer. An error before anything was sent is told instead.
func (t *table) end(w *recorder, err error) error {
	if err == nil {
		err = t.arrow.Close()
	}
	if err != nil {
		if w.status == 0 {
			w.Header().Del("ETag")
			w.Header().Del("Cache-Control")
		}
		return err
	}
	return t.w.Flush()
}

// stamp says which version an answer is of.
func (w *recorder) stamp(version int64) {
	w.version = version
	w.Header().Set("dsql-version", strconv.FormatInt(version, 10))
}

// known says that a client has the answer of a tag.
func known(r *http.Request, tag string) bool {
	for _, of := range r.Header.Values("If-None-Match") {
		for each := range strings.SplitSeq(of, ",") {
			if each = strings.TrimSpace(each); each == "*" || strings.TrimPrefix(each, "W/") == tag {
				return true
			}
		}
	}
	return false
}

// etag names the answer to a request in a state; "": it can't be known to be the same a second time.
func (s *server) etag(r *http.Request, v *view, at *served) string {
	if r.Method == http.MethodPost || v.epoch%2 == 1 || at.volatile || at.Log != "" {
		return ""
	}
	return tagOf(s.nonce, strconv.FormatUint(v.epoch, 36), at.version, r.URL.String(), r.Header.Get("Accept"))
}
