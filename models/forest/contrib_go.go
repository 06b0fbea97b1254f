package forest

// portableSteps does a program's steps without C, one row at a time. It keeps what a row needs at each level.
type portableSteps struct {
	down, up []float64 // [level][point]
	states   []bool    // by level
}

// room makes memory for one more level.
func (w *portableSteps) room(level, points int) {
	if n := (level + 1) * points; len(w.down) < n {
		w.down, w.up = append(w.down, make([]float64, n-len(w.down))...), append(w.up, make([]float64, n-len(w.up))...)
	}
	if n := level + 1; len(w.states) < n {
		w.states = append(w.states, make([]bool, n-len(w.states))...)
	}
}

func (w *portableSteps) run(p *program, bits []uint64, rows, slots int, phi []float64) {
	rule := ruleOf(p.points)
	for r := range rows {
		w.room(0, p.points)
		copy(w.down, rule.weights[:p.points])
		w.row(p, bits[r/64:], uint(r%64), rule.weights[p.points:], phi[r/8*8*slots+r%8:])
	}
}

// row goes through the steps for the row of one bit; phi has the next slot's value eight further on. See contrib.h.
func (w *portableSteps) row(p *program, bits []uint64, bit uint, off, phi []float64) {
	n := p.points
	left := func(node uint32) bool { return bits[int(node)*words]>>bit&1 != 0 }
	for i := range p.steps {
		s := &p.steps[i]
		w.room(int(s.level)+1, n)
		hot := left(s.node) != (s.right != 0)
		g, h := w.down[int(s.level)*n:][:n], w.up[int(s.level)*n:][:n]
		c := p.consts[s.at:]
		if s.first != 0 {
			clear(h)
		}
		value := &phi[int(s.slot)*8]
		switch s.kind {
		case stepLeaf:
			*value += leaves(c, g, h, hot)
		case stepDown:
			w.states[s.level+1] = hot
			next := w.down[int(s.level+1)*n:][:n]
			for q, f := range pick(c, n, hot) {
				next[q] = g[q] * f
			}
		case stepUp:
			*value += rise(w.up[int(s.level+1)*n:][:n], h, adding(c, off, n, hot))
		case stepTwig:
			g2, h2 := w.down[int(s.level+1)*n:][:n], w.up[int(s.level+1)*n:][:n]
			for q, f := range pick(c, n, hot) {
				g2[q] = g[q] * f
			}
			clear(h2)
			phi[int(s.slot2)*8] += leaves(c[2*n:], g2, h2, left(s.above))
			*value += rise(h2, h, adding(c[4*n+2:], off, n, hot))
		case stepLeafAgain, stepDownAgain, stepUpAgain:
			state := 2 // off above; 1: turned off here
			if up := w.states[s.above]; up && hot {
				state = 0
			} else if up {
				state = 1
			}
			c = c[state*n:]
			switch s.kind {
			case stepLeafAgain:
				for q, f := range c[:n] {
					x := g[q] * f
					h[q] += x
					*value += x * c[3*n+q]
				}
			case stepDownAgain:
				w.states[s.level+1] = state == 0
				next := w.down[int(s.level+1)*n:][:n]
				for q, f := range c[:n] {
					next[q] = g[q] * f
				}
			case stepUpAgain:
				*value += rise(w.up[int(s.level+1)*n:][:n], h, c[:n])
			}
		}
	}
}

// pick is the first n of c where a row goes this way, else the next n.
func pick(c []float64, n int, hot bool) []float64 {
	if hot {
		return c[:n]
	}
	return c[n : 2*n]
}

func adding(c, off []float64, n int, hot bool) []float64 {
	if hot {
		return c[:n]
	}
	return off
}

// leaves adds one or two leaves to h, and gives what they add to phi.
func leaves(c, g, h []float64, hot bool) float64 {
	sum := 0.0
	for q, f := range pick(c[2:], len(g), hot) {
		sum += g[q]
		h[q] += g[q] * f
	}
	if hot {
		return sum * c[0]
	}
	return sum * c[1]
}

// rise adds the sums of the level below to h, and gives what they add to phi.
func rise(below, h, k []float64) (phi float64) {
	for q, x := range below {
		phi += x * k[q]
		h[q] += x
	}
	return phi
}
