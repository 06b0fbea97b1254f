package serve

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"dsql/sql/code"
)

// allowed says whether a request's token may do what needs the scope: "" needs none, "any" any token.
func (s *server) allowed(w *recorder, r *http.Request, scope string) error {
	if scope == "" {
		return nil
	}
	if s.guard.none() {
		if scope == "admin" {
			return refuse(http.StatusForbidden, code.NoScope, "start the server with --token-file, and a token of scope admin",
				"this needs a token, and there are none")
		}
		return nil
	}
	secret, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		return refuse(http.StatusUnauthorized, code.NoToken, "send the header Authorization: Bearer TOKEN", "this needs a token")
	}
	return s.admit(w, r, strings.TrimSpace(secret), scope)
}

// admit says whether a token, which is needed, may do what needs the scope.
func (s *server) admit(w *recorder, r *http.Request, secret, scope string) error {
	t := s.guard.token(secret)
	if t == nil {
		if !s.guard.guessed(r) {
			return refuse(http.StatusTooManyRequests, code.NoToken, "", "too many wrong tokens come from there")
		}
		return refuse(http.StatusUnauthorized, code.NoToken, "`dsql token NAME --scope …` makes one", "there is no such token")
	}
	w.who = t.Name
	if name := r.PathValue("name"); !t.may(scope, name) && !t.may(scope, r.URL.Query().Get("model")) {
		what := scope
		if name != "" {
			what = scope + " or " + scope + ":" + name
		}
		return refuse(http.StatusForbidden, code.NoScope, "`dsql token NAME --scope "+scope+"` makes one that is", "the token %s isn't for %s",
			t.Name, what)
	}
	return nil
}

// sameSite refuses what comes under another name, or from a page of another site: a browser sends that for anybody who made the page, also
// to the machine's own addresses.
func (s *server) sameSite(r *http.Request) error {
	host := hostOf(r.Host)
	if s.loopback && !isLoopback(host) && !slices.Contains(s.o.Hosts, host) || !s.loopback && len(s.o.Hosts) > 0 &&
		!slices.Contains(s.o.Hosts, host) && net.ParseIP(host) == nil {
		return refuse(http.StatusForbidden, code.OtherHost, "--allow-host "+host+" takes it", "requests for the host %q aren't taken", host)
	}
	origin := r.Header.Get("Origin")
	if origin == "" && r.Header.Get("Sec-Fetch-Site") == "cross-site" && !followed(r) {
		origin = "another site"
	}
	if origin == "" {
		return nil
	}
	if u, err := url.Parse(origin); err == nil && u.Host != "" && strings.EqualFold(u.Host, r.Host) || slices.Contains(s.o.Hosts, origin) {
		return nil
	}
	return refuse(http.StatusForbidden, code.OtherOrigin, fmt.Sprintf("--allow-host %s takes it", origin),
		"requests from pages of %q aren't taken", origin)
}

// followed: somebody went by a link to here, and sees what comes. The page that has the link doesn't.
func followed(r *http.Request) bool {
	return r.Method == http.MethodGet && r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Header.Get("Sec-Fetch-Dest") == "document"
}

// hostOf is a host without its port.
func hostOf(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	return strings.ToLower(strings.Trim(host, "[]"))
}

// isLoopback: the machine's own name for itself.
func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
