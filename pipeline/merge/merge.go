// Package merge makes one file of the files of all shares (kind.Share): what one process would have left that took their batches in the order
// in which they were committed. It owns which version of a share becomes which, and what of the catalog becomes what; rows stay as they are.
package merge

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"dsql/engine/catalog"
	"dsql/engine/duck"
	"dsql/engine/fault"
	"dsql/engine/kind"
	"dsql/pipeline/program"
	"dsql/sql"
	"dsql/sql/code"
)

// Options are what the command line asks for.
type Options struct {
	Language *program.Language
	Files    []string // of all shares, in any order
	To       string   // the file that is made; it isn't there yet
}

// Sum is what came of it.
type Sum struct{ Files, Versions, Rows int64 }

// Merge makes the file, or leaves nothing. The files of the shares are read and stay.
func Merge(ctx context.Context, o Options) (sum Sum, err error) {
	if _, err := os.Stat(o.To); !errors.Is(err, fs.ErrNotExist) {
		return sum, refusedf("%s is there already", o.To).WithHint("name a file that isn't: --db FILE")
	}
	files, err := shares(ctx, o.Files)
	if err != nil {
		return sum, err
	}
	dir, err := os.MkdirTemp(filepath.Dir(o.To), ".dsql-merge-")
	if err != nil {
		return sum, refusedf("%s can't be made: %s", o.To, err).WithHint("name a file in a folder that is there: --db FILE").WithCause(err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	path := filepath.Join(dir, filepath.Base(o.To))
	if err := copyFile(files[0], path); err != nil {
		return sum, err
	}
	db, err := duck.Open(ctx, path, duck.Options{})
	if err != nil {
		return sum, err
	}
	m := &merger{c: db.Writer(), files: files}
	if sum, err = m.all(ctx, o.Language); err != nil {
		return sum, errors.Join(err, db.Close())
	}
	if err := db.Close(); err != nil {
		return sum, err
	}
	if err := fault.Fault(ctx, "merged"); err != nil {
		return sum, err
	}
	return sum, os.Rename(path, o.To)
}

func refusedf(format string, args ...any) *sql.Error {
	return sql.Errorf(code.NotMerged, format, args...)
}

// shares finds which file is which share: all of them must be there, once.
func shares(ctx context.Context, files []string) ([]string, error) {
	var out []string
	for i, f := range files {
		number, of, err := shareOf(ctx, f)
		switch {
		case err != nil:
			return nil, err
		case of == 0:
			return nil, refusedf("%s is no share: it has all of its sources", f).WithHint("merge the files that `dsql run --workers` made")
		case i == 0:
			out = make([]string, of)
		case of != int64(len(out)):
			return nil, refusedf("%s is one of %d shares, and %s one of %d", f, of, files[0], len(out)).WithHint("merge those of one number")
		}
		if was := out[number-1]; was != "" {
			return nil, refusedf("%s and %s are both share %d", was, f, number).WithHint("name each once")
		}
		out[number-1] = f
	}
	if i := slices.Index(out, ""); i >= 0 {
		return nil, refusedf("share %d of %d isn't among the files", i+1, len(out)).WithHint("name the files of all shares")
	}
	return out, nil
}

func shareOf(ctx context.Context, file string) (number, of int64, err error) {
	if _, err := os.Stat(file); err != nil {
		return 0, 0, sql.Errorf(code.NoFile, "there is no file %s", file).WithHint("name the files that `dsql run --workers` made").WithCause(err)
	}
	if _, err := os.Stat(file + ".wal"); !errors.Is(err, fs.ErrNotExist) {
		return 0, 0, refusedf("%s is being written, or its process was killed", file).WithHint("run its share once more, to its end")
	}
	db, err := duck.Open(ctx, file, duck.Options{ReadOnly: true, Threads: 1})
	if err != nil {
		return 0, 0, err
	}
	number, of, err = catalog.Share(ctx, db.Writer())
	return number, of, errors.Join(err, db.Close())
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// merger has the copy of the first share open, which becomes the file, and reads the shares beside it.
type merger struct {
	c      *duck.Conn
	files  []string
	whole  []string // sources that all shares have read whole
	tables []string // of destinations
	states []string // of journals: a row each
}

// part is what the file of a share is attached as.
func part(i int) string { return fmt.Sprintf("_dsql_share_%d", i+1) }

func (m *merger) parts() (out []string) {
	for i := range m.files {
		out = append(out, part(i))
	}
	return out
}

// each puts a query of each share together: {p} is its file, {n} its number.
func (m *merger) each(of func(duck.Args) *duck.Query) *duck.Query {
	var all []*duck.Query
	for i := range m.files {
		all = append(all, of(duck.Args{"p": duck.Ident(part(i)), "n": int64(i + 1)}))
	}
	return duck.SQL("({all})", duck.Args{"all": duck.Join(" UNION ALL BY NAME ", all...)})
}

func (m *merger) all(ctx context.Context, l *program.Language) (sum Sum, err error) {
	for i, f := range m.files {
		if err := m.c.Run(ctx, duck.SQL("ATTACH {f} AS {p} (READ_ONLY)", duck.Args{"f": f, "p": duck.Ident(part(i))})); err != nil {
			return sum, err
		}
	}
	p, err := l.Load(ctx, m.c, nil, &kind.Env{Dir: "."}, program.Opened{})
	if err != nil {
		return sum, err
	}
	m.knows(p)
	if err := m.fit(ctx); err != nil {
		return sum, err
	}
	if err := m.versions(ctx); err != nil {
		return sum, err
	}
	if err := m.empty(ctx); err != nil {
		return sum, err
	}
	if err := m.c.Update(ctx, func(tx *duck.Tx) error { sum.Rows, err = m.fill(ctx, tx); return err }); err != nil {
		return sum, err
	}
	sum.Files = int64(len(m.files))
	sum.Versions, err = m.c.Int(ctx, duck.SQL("SELECT count(*) FROM dsql.versions"))
	return sum, errors.Join(err, m.c.Run(ctx, duck.SQL("CHECKPOINT")))
}

// knows finds what a program keeps where.
func (m *merger) knows(p *program.Program) {
	for _, n := range p.Nodes {
		if _, source := n.Source(); source && p.Env.Share.Whole(n.Name) {
			m.whole = append(m.whole, n.Name)
		}
		if _, stores := n.Destination(); !stores {
			continue
		}
		if n.Keyed() {
			for _, t := range []string{"__now", "__past", "__mem"} {
				m.tables = append(m.tables, n.Name+t)
			}
			m.states = append(m.states, n.Name+"__state")
		} else {
			m.tables = append(m.tables, n.Name)
		}
	}
}
