package onnx

import "math"

// Support vector machines of ai.onnx.ml, as onnxruntime computes them after libsvm.

type svm struct {
	kernel       string
	gamma, coef0 float64
	degree       float64
	vectors      []float64 // [count][width]
	count, width int
	coef, rho    []float64
}

func svmOf(n *node) svm {
	m := svm{kernel: n.text("kernel_type", "LINEAR"), vectors: n.floats("support_vectors"), coef: n.floats("coefficients"),
		rho: n.floats("rho")}
	if p := n.floats("kernel_params"); len(p) >= 3 {
		m.gamma, m.coef0, m.degree = p[0], p[1], p[2]
	}
	if len(m.coef) == 0 || len(m.rho) == 0 {
		fail("it has no coefficients or no rho")
	}
	return m
}

// vectorsOf splits the support vectors; without any the model is linear in the features, with k rows of coefficients.
func (m *svm) vectorsOf(count, k int) {
	m.count = count
	if count > 0 {
		m.width = len(m.vectors) / count
		return
	}
	m.kernel, m.width = "LINEAR", len(m.coef)/k
}

// similar is the kernel's value of a row and each of the vectors, plus add for the linear one.
func (m *svm) similar(x, vectors []float64, count int, add float64, out []float64) {
	for j := range count {
		v := vectors[j*m.width : j*m.width+m.width]
		s := 0.0
		if m.kernel == "RBF" {
			for i, y := range v {
				d := f32(f32(x[i]) - y)
				s = f32(s + f32(d*d))
			}
			out[j] = f32(math.Exp(f32(-m.gamma * s)))
			continue
		}
		s = dot(x, v)
		switch m.kernel {
		case "LINEAR":
			s += add
		case "POLY":
			s = math.Pow(f32(f32(m.gamma*s)+m.coef0), m.degree)
		default: // SIGMOID
			s = math.Tanh(f32(f32(m.gamma*s) + m.coef0))
		}
		out[j] = f32(s)
	}
}

// dot is a·b over the length of a, rounded as multiply does.
func dot(a, b []float64) float64 {
	s := 0.0
	for i, x := range a {
		s = f32(s + f32(x)*b[i])
	}
	return s
}

func svmOps(ops operators) {
	ops["ai.onnx.ml.SVMRegressor"] = func(n *node, _ *compiler) kernel { return svmRegressor(n) }
	ops["ai.onnx.ml.SVMClassifier"] = func(n *node, _ *compiler) kernel { return svmClassifier(n) }
}

func svmRegressor(n *node) kernel {
	m, oneClass := svmOf(n), n.int("one_class", 0) != 0
	count := n.int("n_supports", 0)
	if count < 0 || count > int64(len(m.vectors)) || count > 0 && len(m.coef) < int(count) {
		fail("it has %d support vectors", count)
	}
	m.vectorsOf(int(count), 1)
	return func(c *call) {
		x, _, rows, width := c.matrix()
		if width != m.width {
			fail("it has %d features, its input %d", m.width, width)
		}
		o := c.out(0, Float, rows, 1)
		near := make([]float64, max(1, m.count))
		for r := range rows {
			row := x[r*width : r*width+width]
			if m.count == 0 {
				m.similar(row, m.coef, 1, m.rho[0], near)
				o.F[r] = near[0]
			} else {
				m.similar(row, m.vectors, m.count, 0, near)
				o.F[r] = f32(dot(near, m.coef) + m.rho[0])
			}
			if oneClass {
				o.F[r] = float64(2*truth(o.F[r] > 0) - 1)
			}
		}
	}
}

type svmClasses struct {
	svm
	labels       classes
	perClass     []int64
	probA, probB []float64
	post         post
	positive     bool // no coefficient is negative
}

func svmClassifier(n *node) kernel {
	m := svmClasses{svm: svmOf(n), labels: classesOf(n), perClass: n.ints("vectors_per_class"), probA: n.floats("prob_a"),
		probB: n.floats("prob_b"), post: postOf(n), positive: true}
	k := m.labels.len()
	if k == 0 || k > 1<<12 {
		fail("it has %d classes", k)
	}
	count := int64(0)
	for _, v := range m.perClass {
		if v < 0 || v > int64(len(m.vectors)) {
			fail("a class has %d support vectors", v)
		}
		count += v
	}
	m.vectorsOf(int(count), k)
	pairs := k * (k - 1) / 2
	if count > 0 && (len(m.perClass) != k || int(count)*m.width != len(m.vectors) || len(m.coef) < (k-1)*int(count) || len(m.rho) < pairs ||
		len(m.probA) != len(m.probB) || len(m.probA) > 0 && len(m.probA) < pairs) {
		fail("its attributes don't fit %d classes and %d support vectors", k, count)
	}
	for _, w := range m.coef {
		m.positive = m.positive && w >= 0
	}
	return m.run
}

func (m *svmClasses) run(c *call) {
	x, _, rows, width := c.matrix()
	if width != m.width {
		fail("it has %d features, its input %d", m.width, width)
	}
	k := m.labels.len()
	pairs := k * (k - 1) / 2
	out, second, scored := k, -1, k
	if m.count > 0 && m.probA == nil {
		if scored = pairs; k > 2 {
			out = pairs
		} else {
			out = 2
			if second = 0; m.post == "NONE" {
				second = 2
			}
		}
	}
	set := m.labels.output(c, rows)
	o := c.out(1, Float, rows, out)
	near, decided, votes := make([]float64, max(m.count, k)), make([]float64, max(pairs, k)), make([]float64, k)
	for r := range rows {
		scores := decided[:k]
		best, top := 0, 0.0
		if m.count == 0 {
			m.similar(x[r*width:r*width+width], m.coef, k, m.rho[0], scores)
			best = first(scores)
			top = scores[best]
		} else {
			m.similar(x[r*width:r*width+width], m.vectors, m.count, 0, near)
			m.decide(near, decided, votes)
			best = first(votes)
			if scores = decided[:pairs]; m.probA != nil {
				scores = m.probabilities(decided)
			}
		}
		if pairs == 1 && m.probA == nil && (m.positive && top >= 0.5 || !m.positive && top > 0) {
			best = 1
		}
		set(r, best)
		m.post.apply(scores[:scored], second, o.F[r*out:r*out+out])
	}
}

// decide fills in the decision of each pair of classes and counts votes.
func (m *svmClasses) decide(near, decided, votes []float64) {
	clear(votes)
	pair, startI := 0, 0
	for i := range m.perClass {
		ni := int(m.perClass[i])
		startJ := startI + ni
		for j := i + 1; j < len(m.perClass); j++ {
			nj := int(m.perClass[j])
			s := 0.0
			for e := startI; e < startI+ni; e++ {
				s += f32(m.coef[(j-1)*m.count+e] * near[e])
			}
			for e := startJ; e < startJ+nj; e++ {
				s += f32(m.coef[i*m.count+e] * near[e])
			}
			s += m.rho[pair]
			decided[pair] = f32(s)
			if s > 0 {
				votes[i]++
			} else {
				votes[j]++
			}
			pair++
			startJ += nj
		}
		startI += ni
	}
}

// probabilities couples the pairs' probabilities by the second method of Wu, Lin and Weng (2004), as libsvm does.
func (m *svmClasses) probabilities(decided []float64) []float64 {
	k := m.labels.len()
	r := make([]float64, k*k)
	pair := 0
	for i := range k {
		for j := i + 1; j < k; j++ {
			p := f32(1 - logistic(f32(f32(decided[pair]*m.probA[pair])+m.probB[pair])))
			p = min(max(p, f32(1e-7)), f32(1-1e-7))
			r[i*k+j], r[j*k+i] = p, f32(1-p)
			pair++
		}
	}
	q, qp, p := make([]float64, k*k), make([]float64, k), make([]float64, k)
	for i := range k {
		p[i] = f32(1 / float64(k))
		for j := range k {
			if i != j {
				q[i*k+i] = f32(q[i*k+i] + f32(r[j*k+i]*r[j*k+i]))
				q[i*k+j] = f32(-r[j*k+i] * r[i*k+j])
			}
		}
	}
	for range 100 {
		pqp := 0.0
		for i := range k {
			qp[i] = 0
			for j := range k {
				qp[i] = f32(qp[i] + f32(q[i*k+j]*p[j]))
			}
			pqp = f32(pqp + f32(p[i]*qp[i]))
		}
		worst := 0.0
		for i := range k {
			worst = max(worst, math.Abs(f32(qp[i]-pqp)))
		}
		if worst < f32(0.005/float64(k)) {
			break
		}
		for i := range k {
			d := f32(f32(-qp[i]+pqp) / q[i*k+i])
			p[i] = f32(p[i] + d)
			pqp = f32(f32(f32(pqp+f32(d*f32(f32(d*q[i*k+i])+f32(2*qp[i]))))/f32(1+d)) / f32(1+d))
			for j := range k {
				qp[j] = f32(f32(qp[j]+f32(d*q[i*k+j])) / f32(1+d))
				p[j] = f32(p[j] / f32(1+d))
			}
		}
	}
	return p
}
