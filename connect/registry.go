package connect

import (
	"errors"
	"net/http"

	"github.com/twmb/franz-go/pkg/sr"

	"dsql/sql"
	"dsql/sql/code"
)

// Answer is what a registry answers instead of what it was asked for; nil: there was no answer.
func Answer(err error) *sr.ResponseError {
	var answer *sr.ResponseError
	errors.As(err, &answer)
	return answer
}

// RegistryError tells a registry that can't be reached from one that refuses.
func RegistryError(err error) *sql.Error {
	answer := Answer(err)
	if answer == nil {
		return sql.Errorf(code.RegistryUnreachable, "the schema registry can't be reached: %s", err).
			WithHint("is it running, and is schema_registry of the connection its URL?")
	}
	e := sql.Errorf(code.RegistryRefuses, "the schema registry answers %s with %d: %s", answer.URL, answer.StatusCode, answer.Error()).
		WithHint("see the registry's log")
	if answer.StatusCode >= 500 { // for now
		e.Code = code.RegistryUnreachable
	}
	switch answer.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden:
		e.Hint = "set schema_registry_username and schema_registry_password of the connection"
	case http.StatusNotFound:
		e.Hint = "is schema_registry of the connection the registry's URL?"
	}
	return e
}
