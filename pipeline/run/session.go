package run

import (
	"context"
	"maps"
	"slices"
	"strings"

	"dsql/engine/duck"
	"dsql/pipeline/program"
	"dsql/sql"
	"dsql/sql/code"
)

// A script may set what it likes for its own statements. dsql's statements, and with them what declarations compute, must not come out
// otherwise for it: what the user's statements have set is put in force before each of them and taken back behind it.
//
// So it is with the search path, too: what dsql declares lives in the schema main of the file and has plain names, so main comes first
// for dsql's statements, and what a declaration names beside is found where the user's statements find it.

// session is what the user's statements have set.
type session struct {
	home     string // the file's main schema; "": nothing may have been set yet
	path     string // the search path of the user's statements
	ownPath  string // with main before it
	together bool   // the two paths are one

	names  []string         // of all settings that are kept apart
	own    map[string]value // for dsql's statements
	user   map[string]value // for the user's, where they are others
	locked bool             // SET lock_configuration = true
}

// value is a setting's, as text; "" is none. The session's own goes before that of the database.
type value struct{ text, scope string }

// setting are the first words of statements that may set something.
var setting = []string{"USE", "SET", "RESET", "PRAGMA", "DETACH", "CALL", "LOAD", "INSTALL"}

// shared are settings that hold for all statements: what the machine may be used for, where files and extensions are found, which time
// zone is meant; and what dsql sets itself. By name, or by the beginning of one.
var shared = []string{
	"allocator_", "allow_", "allowed_", "auto_checkpoint", "autoinstall_", "autoload_", "block_allocator", "ca_cert", "calendar",
	"checkpoint_threshold", "custom_", "default_secret", "disabled_filesystems", "duckdb_api", "enable_external", "enable_http",
	"enable_log", "enable_object_cache", "enabled_log", "disabled_log", "errors_as_json", "extension_", "external_threads", "file_search_path",
	"home_directory", "http", "lock_configuration", "log_", "logging_", "max_memory", "max_temp", "memory_limit", "parquet_metadata_cache",
	"password", "pin_threads", "profil", "progress_bar", "s3_", "schema", "search_path", "secret", "storage_", "streaming_buffer", "temp_",
	"threads", "timezone", "user", "validate_", "wal_", "worker_threads", "write_buffer",
}

func isShared(name string) bool {
	return slices.ContainsFunc(shared, func(s string) bool { return strings.HasPrefix(strings.ToLower(name), s) })
}

// asUser puts in force what the user's statements have set. done says that the statement needs no more.
func (r *runner) asUser(ctx context.Context, st sql.Stmt) (done bool, err error) {
	s := &r.session
	if w := program.Words(st, 1); len(w) > 0 && slices.Contains(setting, w[0]) {
		if err := r.beforeSetting(ctx); err != nil {
			return false, err
		}
		if done, err := s.lock(st); done || err != nil {
			return done, err
		}
	}
	if s.home == "" {
		return false, nil
	}
	if !s.together {
		if err := r.Conn.Run(ctx, duck.SQL("SET search_path = {p}", duck.Args{"p": s.path})); err != nil {
			return false, err
		}
	}
	for _, name := range s.names {
		if v, ok := s.user[name]; ok {
			if err := set(ctx, r.Conn, name, v.text, v.scope); err != nil {
				return false, err
			}
		}
	}
	return false, nil
}

// beforeSetting notes how things are before anything may have been set.
func (r *runner) beforeSetting(ctx context.Context) error {
	s := &r.session
	if s.home != "" {
		return nil
	}
	own, err := r.settings(ctx)
	if err != nil {
		return err
	}
	*s = session{home: duck.Ident(r.Conn.DB.Name(), "main").String(), together: true, own: own, user: map[string]value{},
		names: slices.Sorted(maps.Keys(own))}
	return nil
}

// settings are those in force that are kept apart.
func (r *runner) settings(ctx context.Context) (map[string]value, error) {
	out := map[string]value{}
	_, err := duck.Select(ctx, r.Conn, duck.SQL("SELECT name, coalesce(value, ''), scope FROM duckdb_settings()"),
		func(row func(...any) error) (v value, err error) {
			var name string
			if err = row(&name, &v.text, &v.scope); err == nil && !isShared(name) {
				out[name] = v
			}
			return v, err
		})
	return out, err
}

// asOwn takes back for dsql's own statements what the statement behind which it stands, or one before, has set.
func (r *runner) asOwn(ctx context.Context, st sql.Stmt) error {
	s := &r.session
	if s.home == "" {
		return nil
	}
	if w := program.Words(st, 1); len(w) > 0 && slices.Contains(setting, w[0]) {
		now, err := r.settings(ctx)
		if err != nil {
			return err
		}
		for _, n := range s.names {
			if v := now[n]; v.text != s.own[n].text {
				s.user[n] = v
			} else {
				delete(s.user, n)
			}
		}
	}
	for _, n := range s.names {
		if v, ok := s.user[n]; ok {
			if err := set(ctx, r.Conn, n, s.own[n].text, v.scope); err != nil {
				return err
			}
		}
	}
	// without it an error would have no place in the script
	if err := r.Conn.Run(ctx, duck.SQL("SET errors_as_json = true")); err != nil {
		return err
	}
	if s.path = r.Conn.Setting("search_path"); s.path == "" || s.path == "main" || s.path == s.home {
		s.together = true
		return nil
	}
	s.together, s.ownPath = false, s.home+","+s.path
	return r.Conn.Run(ctx, duck.SQL("SET search_path = {p}", duck.Args{"p": s.ownPath}))
}

// set gives a setting a value where the user's is.
func set(ctx context.Context, c *duck.Conn, name, text, scope string) error {
	a := duck.Args{"n": duck.Ident(name), "v": text, "scope": duck.SQL("")}
	if scope == "LOCAL" {
		a["scope"] = duck.SQL("SESSION ")
	}
	if text == "" {
		return c.Run(ctx, duck.SQL("RESET {scope}{n}", a))
	}
	return c.Run(ctx, duck.SQL("SET {scope}{n} = {v}", a))
}

// lock is SET lock_configuration: it holds for the script and is not DuckDB's, since dsql itself goes on to set what it needs. What comes
// behind it and sets something is refused in DuckDB's words.
func (s *session) lock(st sql.Stmt) (done bool, err error) {
	w := program.Words(st, 6)
	switch w[0] {
	case "SET", "RESET", "PRAGMA":
	default:
		return false, nil
	}
	name := w[1:]
	if len(name) > 0 && (name[0] == "GLOBAL" || name[0] == "SESSION" || name[0] == "LOCAL") {
		name = name[1:]
	}
	if len(name) == 0 || name[0] == "VARIABLE" || w[0] == "PRAGMA" && (len(name) < 2 || name[1] != "=") {
		return false, nil
	}
	if s.locked {
		return false, st.Errorf(code.ConfigurationLocked, "cannot change configuration option \"%s\" - the configuration has been locked",
			strings.ToLower(name[0])).
			WithHint("set it before the lock")
	}
	if strings.ToLower(strings.Trim(name[0], `"`)) != "lock_configuration" || w[0] == "RESET" || len(name) < 3 {
		return false, nil
	}
	switch strings.Trim(name[2], `'`) {
	case "TRUE", "1", "ON", "T", "YES":
		s.locked = true
		return true, nil
	}
	return false, nil
}
