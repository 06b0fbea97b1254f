package files

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	"dsql/engine/duck"
	"dsql/engine/kind"
)

// Waits are the files that are not taken by all of these destinations, as the folder is now: why, and until when. Those that were set
// aside and are as they were then have their reason in dsql.files, and aren't among them. Nothing is read but a file's last byte.
func (s *Source) Waits(ctx context.Context, c *duck.Conn, env *kind.Env, destinations []string) ([]kind.WaitingFile, error) {
	files, err := s.list(env)
	if err != nil {
		return nil, err
	}
	places, err := s.places(ctx, c)
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, s.noFiles()
	}
	if files, err = s.own(env, files, places); err != nil {
		return nil, err
	}
	if files, err = s.named(env, files, places); err != nil {
		return nil, err
	}
	byPath := map[string][]filePlace{}
	for _, p := range places {
		byPath[p.path] = append(byPath[p.path], p)
	}
	now, aside, out := time.Now(), s.loadsAside(files, byPath), []kind.WaitingFile{}
	var first *kind.WaitingFile // of a snapshot: loads keep their order
	for _, f := range files {
		w := kind.WaitingFile{Source: s.Stmt.Name, Path: f.path, Bytes: f.size, Destinations: s.lacking(&f, byPath[f.path], destinations)}
		if len(w.Destinations) == 0 || isAside(&f, byPath[f.path]) {
			continue
		}
		w.Why, w.Until = s.reason(&f, byPath[f.path], now)
		switch {
		case aside[s.loadOf(f)] != "":
			w.Why, w.Until = aside[s.loadOf(f)]+", of the same load, is set aside", "that file has changed"
		case first != nil && first.Until != kind.NextRun && w.Until == kind.NextRun:
			w.Why, w.Until = "loads keep their order, and "+first.Path+" waits", first.Until
		case s.snapshot && first == nil:
			first = &w
		}
		out = append(out, w)
	}
	return out, nil
}

// lacking are the destinations that have something of the file to take.
func (s *Source) lacking(f *file, places []filePlace, destinations []string) (out []string) {
	for _, d := range destinations {
		if !slices.ContainsFunc(places, func(p filePlace) bool {
			return p.destination == d && p.done && (p.same(f) || p.size > 0 || s.snapshot)
		}) {
			out = append(out, d)
		}
	}
	return out
}

// reason says why a file waits, and until when.
func (s *Source) reason(f *file, places []filePlace, now time.Time) (why, until string) {
	why, until = "no run has taken it yet", kind.NextRun
	part := slices.IndexFunc(places, func(p filePlace) bool { return !p.done && p.pos.Byte > 0 })
	switch {
	case slices.ContainsFunc(places, func(p filePlace) bool { return p.why != "" }):
		why = "it was set aside, and has changed since"
	case part >= 0 && s.format == "parquet":
		why = fmt.Sprintf("its first %d rows are taken", places[part].pos.Byte)
	case part >= 0:
		why = fmt.Sprintf("it is taken up to line %d", places[part].pos.Line-1)
	}
	switch {
	case s.tooYoung(now.Sub(f.modified)):
		return "it changed less than min_age ago", kind.Clock(f.modified.Add(s.minAge))
	case s.endless(f):
		return "it changed a moment ago, and its last line has no end yet", kind.Clock(f.modified.Add(youngTime)) + ", or its end has come"
	}
	return why, until
}

// endless says whether a file that may still be being written ends within a line, as far as its last byte tells.
func (s *Source) endless(f *file) bool {
	if s.format == "parquet" || f.size == 0 || !f.young() || s.compressionOf(f.path) != "none" || s.dialect.Encoding != "" {
		return false
	}
	in, err := os.Open(f.full)
	if err != nil {
		return false
	}
	defer in.Close()
	var last [1]byte
	if _, err := in.ReadAt(last[:], f.size-1); err != nil {
		return false
	}
	ends := "\n\r"
	if s.format == "json" {
		ends = "\n\r \t}]"
	}
	return !slices.Contains([]byte(ends), last[0])
}

// isAside: the file was set aside, and is as it was then.
func isAside(f *file, places []filePlace) bool {
	return slices.ContainsFunc(places, func(p filePlace) bool { return p.why != "" && p.same(f) })
}

// loadsAside are the loads of several files that wait for one of these: which.
func (s *Source) loadsAside(files []file, places map[string][]filePlace) map[string]string {
	out := map[string]string{}
	for _, f := range files {
		if s.snapshot && len(s.pattern.Captures) > 0 && isAside(&f, places[f.path]) {
			out[s.loadOf(f)] = f.path
		}
	}
	return out
}
