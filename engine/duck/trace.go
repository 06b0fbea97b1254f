package duck

import (
	"strings"
	"time"

	"dsql/internal/lazy"
	"dsql/sql"
)

// Traced is a statement that ran.
type Traced struct {
	Text   string // without secrets
	At     time.Time
	Took   time.Duration // until it was done, or had its first rows
	Failed bool
}

// traced hands a statement to the file's trace; what it returns is called when the statement is done.
func (c *Conn) traced(text string) func(*error) {
	if c.DB.trace == nil {
		return untraced
	}
	at := time.Now()
	return func(err *error) { c.DB.trace(Traced{WithoutSecrets(text), at, time.Since(at), *err != nil}) }
}

func untraced(*error) {}

var (
	secretWord    = lazy.Regexp(`(?i)secret|passw|pwd|token|credential|api_?key|access_?key|authorization`)
	secretSetting = lazy.Regexp(`(?i)secret|passw|token|credential|key|user|^s3_|^variable$`)
	login         = lazy.Regexp(`://[^/@\s']+@`)
	namedInText   = lazy.Regexp(`(?i)(secret|passw|pwd|token|credential|api_?key|access_?key|authorization)\w*\s*[=:]`)
)

const hidden = "'…'"

// WithoutSecrets is a statement with … for what may be a secret in it: all texts of CREATE SECRET and ATTACH, and of settings named so;
// elsewhere a text right behind a name such as password, a text that has password= or its like, and the logins of URLs.
func WithoutSecrets(text string) string {
	src := sql.NewSource("", text)
	toks := sql.Tokens(src, sql.Span{End: len(text)})
	word := func(i int) string {
		if i < 0 || i >= len(toks) {
			return ""
		}
		return toks[i].Span.Of(src)
	}
	all := allSecret(word)
	var b strings.Builder
	end := 0
	for i, t := range toks {
		if t.Kind != sql.String && t.Kind != sql.Illegal {
			continue
		}
		before := i - 1
		for before > 0 && strings.Contains("=:>", word(before)) {
			before--
		}
		shown := login().ReplaceAllString(word(i), "://…@")
		if all || secretWord().MatchString(word(before)) || namedInText().MatchString(shown) {
			shown = hidden
		}
		b.WriteString(text[end:t.Span.Start] + shown)
		end = t.Span.End
	}
	return b.String() + text[end:]
}

// allSecret: no text of the statement is shown.
func allSecret(word func(int) string) bool {
	switch strings.ToUpper(word(0)) {
	case "ATTACH":
		return true
	case "CREATE":
		for i := 1; i <= 4; i++ {
			if strings.EqualFold(word(i), "SECRET") {
				return true
			}
		}
	case "SET", "PRAGMA":
		for i := 1; i <= 2; i++ {
			if secretSetting().MatchString(word(i)) {
				return true
			}
		}
	}
	return false
}
