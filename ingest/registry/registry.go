// Package registry asks a Confluent schema registry for schemas. How it is reached is a connection's business.
package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/sr"

	"dsql/connect"
	"dsql/ingest/schema"
)

// maxReferences is how many schemas one may refer to.
const maxReferences = 1000

// Schemas reads schemas of a Confluent schema registry (GET /schemas/ids/{id}, /schemas/guids/{guid},
// /subjects/{subject}/versions/{version}). subject is where a schema is looked for whose GUID the registry doesn't find; "": nowhere.
func Schemas(cl *sr.Client, subject string) schema.Source {
	known := subjectSchemas{cl: cl, path: "/subjects/" + url.PathEscape(subject)}
	if subject == "" {
		known.path = ""
	}
	return func(ctx context.Context, name schema.Name) (*schema.Text, error) {
		s, err := schemaNamed(ctx, cl, name, &known)
		if err != nil {
			return nil, registryError(ctx, err, "unknown schema "+name.String())
		}
		references := map[string]string{}
		todo := s.References
		for len(todo) > 0 {
			r := todo[0]
			todo = todo[1:]
			if _, known := references[r.Name]; known {
				continue
			}
			if len(references) == maxReferences {
				return nil, schema.NoSchema(fmt.Sprintf("schema %s refers to more than %d schemas", name, maxReferences))
			}
			other, err := cl.SchemaByVersion(ctx, r.Subject, r.Version)
			if err != nil {
				return nil, registryError(ctx, err, fmt.Sprintf("schema %s refers to version %d of %s, which the registry doesn't have", name,
					r.Version, r.Subject))
			}
			references[r.Name] = other.Schema.Schema
			todo = append(todo, other.References...)
		}
		return &schema.Text{Kind: s.Type, Text: s.Schema, References: references}, nil
	}
}

// ValueSubject and KeySubject are where serialisers register the schemas of a topic unless they are told otherwise (Confluent's
// TopicNameStrategy).
func ValueSubject(topic string) string { return subjectOf(topic, "-value") }
func KeySubject(topic string) string   { return subjectOf(topic, "-key") }

func subjectOf(topic, what string) string {
	if topic == "" {
		return ""
	}
	return topic + what
}

func schemaNamed(ctx context.Context, cl *sr.Client, name schema.Name, subject *subjectSchemas) (sr.Schema, error) {
	if !name.ByGUID {
		return cl.SchemaByID(ctx, int(name.ID))
	}
	s, err := cl.SchemaByGUID(ctx, name.Hex())
	if answer := connect.Answer(err); answer != nil && answer.StatusCode == http.StatusNotFound &&
		answer.ErrorCode != unknownSchema { // of the path, not of the GUID
		if s, ok, err := subject.find(ctx, name.Hex()); ok || err != nil {
			return s, err
		}
		err = schema.NoSchema("schema " + name.String() + ": the registry knows no schemas by GUID (Confluent's does from 8.0 on)")
	}
	return s.Schema, err
}

// maxVersions is how many versions of a subject are looked through for a GUID, the newest first.
const maxVersions = 100

// ownSchema is a schema as a registry tells it, in its own words.
type ownSchema struct {
	Schema     json.RawMessage `json:"schema"`
	SchemaType json.RawMessage `json:"schemaType,omitempty"`
	References json.RawMessage `json:"references,omitempty"`
}

// subjectSchemas are the schemas of a subject by their GUIDs, in a registry that answers with GUIDs and isn't asked by them (one behind a
// proxy, say): it is asked whether it has each (POST /subjects/{subject}), and the answer has the GUID. All are asked for at once, and then
// not for a while, so that records with GUIDs of nothing cost the registry no more than one.
type subjectSchemas struct {
	cl     *sr.Client
	path   string // "": there is none to look at
	byGUID map[string]sr.Schema
	until  time.Time // when it is asked again
}

func (s *subjectSchemas) find(ctx context.Context, guid string) (sr.Schema, bool, error) {
	if _, ok := s.byGUID[guid]; !ok && s.path != "" && time.Now().After(s.until) {
		found, err := s.ask(ctx)
		if err != nil {
			return sr.Schema{}, false, err
		}
		s.byGUID, s.until = found, time.Now().Add(schema.AskAgain)
	}
	found, ok := s.byGUID[guid]
	return found, ok, nil
}

func (s *subjectSchemas) ask(ctx context.Context) (map[string]sr.Schema, error) {
	out := map[string]sr.Schema{}
	for version := "latest"; version != "0" && len(out) < maxVersions; {
		var own ownSchema
		if err := s.cl.Do(ctx, http.MethodGet, s.path+"/versions/"+version, nil, &own); err != nil {
			return out, unlessUnknown(err)
		}
		var known sr.SubjectSchema
		if err := s.cl.Do(ctx, http.MethodPost, s.path, own, &known); err != nil {
			return out, unlessUnknown(err)
		}
		if _, again := out[known.GUID]; again || known.GUID == "" { // it knows of none, or counts in its own way
			return out, nil
		}
		out[known.GUID] = known.Schema
		version = strconv.Itoa(known.Version - 1)
	}
	return out, nil
}

// unlessUnknown is nil for an answer that there is no such thing.
func unlessUnknown(err error) error {
	if answer := connect.Answer(err); answer != nil && answer.StatusCode == http.StatusNotFound {
		return nil
	}
	return err
}

// Errors of a registry.
const unknownSubject, unknownVersion, unknownSchema = 40401, 40402, 40403

// registryError tells an answer that there is no such schema from a registry that gives none.
func registryError(ctx context.Context, err error, missing string) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var none schema.NoSchema
	if errors.As(err, &none) {
		return none
	}
	if answer := connect.Answer(err); answer != nil {
		switch answer.ErrorCode {
		case unknownSchema, unknownSubject, unknownVersion:
			return schema.NoSchema(missing)
		}
	}
	return connect.RegistryError(err)
}
