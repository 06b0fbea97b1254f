package duck

import (
	"strconv"
	"strings"

	"dsql/sql"
)

// maxDepth of types in types; DuckDB itself gives up at a thousand.
const maxDepth = 1000

// parseType reads a type as DuckDB writes it, or as a user may. Of what it doesn't know the shape has no ID.
func parseType(text string) Shape {
	p := typeParser{src: sql.NewSource("", text)}
	p.toks = sql.Tokens(p.src, sql.Span{End: len(text)})
	if s, ok := p.parse(0); ok && p.i == len(p.toks) {
		return s
	}
	return Shape{}
}

type typeParser struct {
	src  *sql.Source
	toks []sql.Token
	i    int
}

// token is the text of the token at i, "" behind the end.
func (p *typeParser) token(i int) string {
	if i < len(p.toks) {
		return p.toks[i].Span.Of(p.src)
	}
	return ""
}

// take passes over words in a row, if all of them stand here.
func (p *typeParser) take(words ...string) bool {
	for i, w := range words {
		if !strings.EqualFold(p.token(p.i+i), w) {
			return false
		}
	}
	p.i += len(words)
	return true
}

func (p *typeParser) parse(depth int) (s Shape, ok bool) {
	from := p.i
	if s, ok = p.base(depth); !ok || depth > maxDepth {
		return s, false
	}
	for {
		to := p.i
		list, length := p.take("ARRAY"), 0
		if p.take("[") {
			if list = true; !p.take("]") {
				if length, ok = p.number(); !ok || !p.take("]") {
					return s, false
				}
			}
		}
		if !list {
			return s, true
		}
		s = Shape{ID: TypeList, Parts: []Column{{Type: p.text(from, to)}}}
		if length > 0 {
			s.ID, s.Length = TypeArray, length
		}
	}
}

// text of tokens [from, to).
func (p *typeParser) text(from, to int) Type {
	return Type(p.toks[from].Span.To(p.toks[to-1].Span).Of(p.src))
}

func (p *typeParser) number() (n int, ok bool) {
	n, err := strconv.Atoi(p.token(p.i))
	p.i++
	return n, err == nil && n >= 0
}

func (p *typeParser) isName() bool {
	return p.i < len(p.toks) && (p.toks[p.i].Kind == sql.Word || p.toks[p.i].Kind == sql.Quoted)
}

// name reads a name, with the words that it goes on with.
func (p *typeParser) name() (id TypeID, ok bool) {
	text := p.token(p.i)
	if !p.isName() {
		return 0, false
	}
	p.i++
	if unquoted, err := sql.Unquote(text); err == nil && text != `"NULL"` {
		text = unquoted
	}
	id, ok = typesByName[strings.ToUpper(text)]
	switch id {
	case TypeDouble:
		p.take("PRECISION")
	case TypeVarchar:
		p.take("VARYING")
	}
	return id, ok
}

// zone reads WITH TIME ZONE behind a TIME or TIMESTAMP.
func (p *typeParser) zone(id TypeID) TypeID {
	switch {
	case id != TypeTime && id != TypeTimestamp || p.take("WITHOUT", "TIME", "ZONE") || !p.take("WITH", "TIME", "ZONE"):
		return id
	case id == TypeTime:
		return TypeTimeTZ
	}
	return TypeTimestampTZ
}

func (p *typeParser) base(depth int) (s Shape, ok bool) {
	if s.ID, ok = p.name(); !ok || s.ID == TypeList || s.ID == TypeArray { // these are written by brackets
		return s, false
	}
	if s.ID == TypeDecimal {
		s.Width, s.Scale = 18, 3
	}
	if !p.take("(") {
		s.ID = p.zone(s.ID)
		return s, !s.ID.parametric() || s.ID == TypeDecimal
	}
	switch s.ID {
	case TypeDecimal:
		ok = p.decimal(&s)
	case TypeEnum:
		ok = p.list(func() bool {
			text, err := sql.Unquote(p.token(p.i))
			p.i++
			s.Labels = append(s.Labels, text)
			return err == nil
		})
	case TypeStruct, TypeUnion, TypeMap:
		ok = p.list(func() bool {
			c, ok := p.part(depth, s.ID != TypeMap)
			s.Parts = append(s.Parts, c)
			return ok
		}) && (s.ID != TypeMap || len(s.Parts) == 2)
	case TypeTimestamp:
		digits := 0
		ok = p.list(func() (ok bool) { digits, ok = p.number(); return ok })
		if s.ID = p.zone(s.ID); s.ID == TypeTimestamp {
			s.ID = precision(digits)
		}
	default: // VARCHAR(10), FLOAT(53)
		bits := 0
		if ok = p.list(func() (ok bool) { bits, ok = p.number(); return ok }); s.ID == TypeFloat && bits > types[TypeFloat].bits {
			s.ID = TypeDouble
		}
	}
	return s, ok
}

// precision is the TIMESTAMP that has so many digits of a second.
func precision(digits int) TypeID {
	switch {
	case digits == 0:
		return TypeTimestampS
	case digits <= 3:
		return TypeTimestampMS
	case digits <= 6:
		return TypeTimestamp
	}
	return TypeTimestampNS
}

// list reads what stands between commas, to the bracket that ends it.
func (p *typeParser) list(item func() bool) bool {
	for {
		switch {
		case !item():
			return false
		case p.take(")"):
			return true
		case !p.take(","):
			return false
		}
	}
}

func (p *typeParser) decimal(s *Shape) bool {
	var n []int
	ok := p.list(func() bool {
		x, ok := p.number()
		n = append(n, x)
		return ok
	})
	if n = append(n, 0); !ok || len(n) > 3 || n[0] < 1 || n[0] > 38 || n[1] > n[0] {
		return false
	}
	s.Width, s.Scale = uint8(n[0]), uint8(n[1])
	return true
}

// part reads a field, or a type alone.
func (p *typeParser) part(depth int, named bool) (c Column, ok bool) {
	if named {
		switch next := p.token(p.i + 1); strings.ToUpper(next) {
		case ",", ")", "(", "[", "WITH", "WITHOUT": // STRUCT(INTEGER, DECIMAL(10,2)), as row(1, 2.0) has
		default:
			if !p.isName() {
				return c, false
			}
			c.Name = p.token(p.i)
			if text, err := sql.Unquote(c.Name); err == nil {
				c.Name = text
			}
			p.i++
		}
	}
	from := p.i
	if _, ok = p.parse(depth + 1); ok {
		c.Type = p.text(from, p.i)
	}
	return c, ok
}
