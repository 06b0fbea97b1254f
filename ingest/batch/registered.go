package batch

import (
	"context"

	"github.com/twmb/franz-go/pkg/sr"

	"dsql/ingest/schema"
)

// registeredKeys decodes keys that a registry's serialisers wrote, each by the kind of its schema, whatever values are.
type registeredKeys struct {
	kinds *schema.Cache[sr.SchemaType]
	by    map[sr.SchemaType]KeyDecoder
	own   KeyDecoder // says what is wrong with a key that names no schema
	lax   bool       // values need no registry: a key that seems to name a schema, which there isn't, is a text
}

// of is what decodes a key; nil: it is a text.
func (k *registeredKeys) of(ctx context.Context, key, header []byte) (KeyDecoder, error) {
	id, ok := schema.ID(key)
	name := schema.Name{ID: id}
	switch {
	case header != nil:
		if name, _, ok = schema.IDOfHeader(header); !ok {
			return k.own, nil
		}
	case !ok:
		return nil, nil
	}
	kind, err := k.kinds.Get(ctx, name)
	switch {
	case err != nil:
		return nil, err
	case kind.Why != "" && (header != nil || !k.lax):
		return k.own, nil
	case kind.Why != "":
		return nil, nil
	}
	return k.by[kind.T], nil
}
