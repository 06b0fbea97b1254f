package pipeline

import (
	"context"
	"slices"

	"dsql/engine"
	"dsql/sql"
)

// What dsql declares lives in the schema main of the file, and has plain names. So do its own statements' names, and a script may say
// USE: the search path of the user's statements is put back before each of them, and main comes first for all else. What a declaration
// names beside is then found where the user's statements find it.

// paths are the search path of the user's statements and of dsql's own.
type paths struct {
	home     string // the file's main schema
	user     string // "": none was set
	own      string // with main before it
	together bool   // they are one
}

// moving are the first words of statements that may set another path.
var moving = []string{"USE", "SET", "RESET", "PRAGMA", "DETACH"}

// asUser sets the path for a statement of the user.
func (r *runner) asUser(ctx context.Context, st sql.Stmt) (err error) {
	if r.paths.home == "" && moves(st) {
		var home string
		if _, err := r.conn.Scan(ctx, engine.SQL("SELECT current_database()"), &home); err != nil {
			return err
		}
		r.paths = paths{home: engine.Ident(home, "main").String(), together: true}
	}
	if r.paths.home == "" || r.paths.together {
		return nil
	}
	return r.conn.Run(ctx, engine.SQL("SET search_path = {p}", engine.Args{"p": r.paths.user}))
}

// asOwn sets it for what dsql does behind that.
func (r *runner) asOwn(ctx context.Context, st sql.Stmt) error {
	p := &r.paths
	if p.home == "" {
		return nil
	}
	if moves(st) {
		if _, err := r.conn.Scan(ctx, engine.SQL("SELECT current_setting('search_path')"), &p.user); err != nil {
			return err
		}
		p.together = p.user == "" || p.user == "main" || p.user == p.home
		p.own = p.home + "," + p.user
	}
	if p.together {
		return nil
	}
	return r.conn.Run(ctx, engine.SQL("SET search_path = {p}", engine.Args{"p": p.own}))
}

func moves(st sql.Stmt) bool { return slices.Contains(moving, opening(st)) }
