package serve

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"dsql/sql"
	"dsql/sql/code"
)

// Token is who may ask for what. The secret itself is kept nowhere: it is random, so its hash is enough.
type Token struct {
	Name   string
	Scopes []string
	hash   [sha256.Size]byte
}

// Scopes are what a token may be for; endpoints and models may also be one of them alone: endpoints:NAME. all is everything but admin.
var Scopes = []string{"all", "endpoints", "models", "query", "status", "admin"}

// NewToken makes a secret, and the line of a token file that stands for it.
func NewToken(name string, scopes []string) (secret, line string, err error) {
	if err := checkToken(name, scopes); err != nil {
		return "", "", err
	}
	var b [32]byte
	if _, err := rand.Read(b[:]); err != nil {
		return "", "", err
	}
	secret = "dsql_" + base64.RawURLEncoding.EncodeToString(b[:])
	hash := sha256.Sum256([]byte(secret))
	return secret, name + " " + strings.Join(scopes, ",") + " " + hex.EncodeToString(hash[:]), nil
}

func checkToken(name string, scopes []string) error {
	if name == "" || strings.ContainsAny(name, " \t\r\n#") {
		return sql.Errorf(code.BadToken, "a token's name is one word").WithHint("dsql token notebook --scope query")
	}
	for _, s := range scopes {
		kind, of, one := strings.Cut(s, ":")
		if !slices.Contains(Scopes, kind) || one && (of == "" || kind != "endpoints" && kind != "models") {
			return sql.Errorf(code.BadToken, "there is no scope %q", s).
				WithHint("scopes are " + strings.Join(Scopes, ", ") + ", endpoints:NAME and models:NAME; several are separated by commas")
		}
	}
	return nil
}

// ReadTokens reads a token file, a line each: name, scopes separated by commas, the hash. What begins with # is a remark. secret is one
// more, for everything but admin; "": none.
func ReadTokens(file, secret string) ([]Token, error) {
	var out []Token
	if secret != "" {
		out = append(out, Token{Name: "DSQL_TOKEN", Scopes: []string{"all"}, hash: sha256.Sum256([]byte(secret))})
	}
	if file == "" {
		return out, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, sql.Errorf(code.NoFile, "the token file %s can't be read: %v", file, err).
			WithHint("`dsql token NAME --file FILE` makes it").WithCause(err)
	}
	for i, line := range strings.Split(string(text), "\n") {
		f := strings.Fields(line)
		if len(f) == 0 || strings.HasPrefix(f[0], "#") {
			continue
		}
		t := Token{}
		hash := []byte(nil)
		if len(f) == 3 {
			t.Name, t.Scopes = f[0], strings.Split(f[1], ",")
			hash, _ = hex.DecodeString(f[2])
		}
		if len(hash) != sha256.Size || checkToken(t.Name, t.Scopes) != nil {
			return nil, sql.Errorf(code.BadToken, "line %d of %s is no token", i+1, file).
				WithHint("a line is: name scopes hash, as `dsql token` writes it")
		}
		copy(t.hash[:], hash)
		out = append(out, t)
	}
	return out, nil
}

// may says whether the token is for what a request wants: a scope, of one name where it has one.
func (t *Token) may(scope, name string) bool {
	for _, s := range t.Scopes {
		if s == scope || s == "all" && scope != "admin" || name != "" && sql.Same(s, scope+":"+name) {
			return true
		}
	}
	return scope == "any"
}

// guard knows the tokens, and who gives wrong ones.
type guard struct {
	mu     sync.Mutex
	tokens []Token
	fresh  *Fresh[[]Token]     // nil: they don't change
	wrong  map[string]*guesses // by address
}

type guesses struct {
	n, waiting int
	last       time.Time
}

// How wrong tokens are slowed down: the first few hardly, and never more than so many answers at a time are held back.
const (
	firstWait   = 20 * time.Millisecond
	longestWait = 2 * time.Second
	mostWaiting = 16
	forgetAfter = time.Minute
)

// token is that of a secret; nil: none. Each is compared, and each in the same time.
func (g *guard) token(secret string) (found *Token) {
	hash := sha256.Sum256([]byte(secret))
	g.mu.Lock()
	defer g.mu.Unlock()
	tokens := g.current()
	for i := range tokens {
		if subtle.ConstantTimeCompare(hash[:], tokens[i].hash[:]) == 1 {
			found = &tokens[i]
		}
	}
	return found
}

// none: there are no tokens, so nobody needs one.
func (g *guard) none() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.tokens) == 0 // as it was in the beginning: a file without a token lets nobody in
}

// current are the tokens as their file has them. The lock is held.
func (g *guard) current() []Token {
	if g.fresh == nil {
		return g.tokens
	}
	return g.fresh.Get()
}

// guessed holds the answer to a wrong token back, the longer the more there were from its address. false: too many are held already.
func (g *guard) guessed(r *http.Request) bool {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	g.mu.Lock()
	if g.wrong == nil || len(g.wrong) > 100_000 {
		g.wrong = map[string]*guesses{}
	}
	x := g.wrong[host]
	if x == nil || time.Since(x.last) > forgetAfter && x.waiting == 0 {
		x = &guesses{}
		g.wrong[host] = x
	}
	x.n++
	x.last = time.Now()
	wait := min(firstWait<<min(x.n-1, 10), longestWait)
	full := x.waiting >= mostWaiting
	if !full {
		x.waiting++
	}
	g.mu.Unlock()
	if full {
		return false
	}
	select {
	case <-time.After(wait):
	case <-r.Context().Done():
	}
	g.mu.Lock()
	x.waiting--
	g.mu.Unlock()
	return true
}
