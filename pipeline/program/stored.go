package program

import (
	"context"
	"encoding/json"
	"fmt"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/sql"
)

// The declarations that a file has, read back.

func storedDeclarations(ctx context.Context, c *duck.Conn) ([]StoredDecl, error) {
	return duck.Select(ctx, c, duck.SQL("SELECT kind, name, body, fingerprint, coalesce(pinned, '[]') FROM dsql.declarations ORDER BY rowid"),
		func(row func(...any) error) (d StoredDecl, err error) {
			var pinned string
			if err := row(&d.Kind, &d.Name, &d.Body, &d.Fingerprint, &pinned); err != nil {
				return d, err
			}
			d.Fingerprint = FingerprintOf(d.Fingerprint) // an older dsql kept the case of quoted names, and OR REPLACE
			return d, json.Unmarshal([]byte(pinned), &d.Pinned)
		})
}

// compileStored reads a declaration back from the file.
func (l *Language) compileStored(s *StoredDecl) (*Node, error) {
	src := sql.NewSource("("+s.Kind+" "+s.Name+" in the file)", s.Body)
	stmts, err := sql.Parse(src, l.Forms)
	if err == nil && (len(stmts) != 1 || stmts[0].Decl == nil) {
		err = fmt.Errorf("%s: not a declaration", src.Name)
	}
	if err != nil {
		return nil, fmt.Errorf("the file's declaration of %s %s can't be read: %w", s.Kind, s.Name, err)
	}
	d := stmts[0].Decl
	k, _ := l.Kind(d)
	d.Name = s.Name // what an older dsql kept may be spelt otherwise
	obj, err := k.Compile(d)
	if err != nil {
		return nil, err
	}
	if o, ok := obj.(kind.Restorable); ok { // what it was made of is in the file too
		obj = o.Kept()
	}
	s.Obj = obj
	return &Node{Kind: s.Kind, Name: s.Name, Obj: obj, Stmt: -1, Fingerprint: s.Fingerprint, Stored: s}, nil
}

// Stored are the declarations that the file has, in the order in which they were made.
func (l *Language) Stored(ctx context.Context, c *duck.Conn) ([]*Node, error) {
	stored, err := storedDeclarations(ctx, c)
	if err != nil {
		return nil, err
	}
	var out []*Node
	for i := range stored {
		n, err := l.compileStored(&stored[i])
		if err != nil {
			return nil, err
		}
		out = append(out, n)
	}
	return out, nil
}
