package testkit

import (
	"encoding/json"
	"maps"
	"slices"

	"pgregory.net/rapid"
)

// Mutate is a JSON text in which some values are gone, of another kind, or those of another place.
func Mutate(t *rapid.T, text string) string {
	var root any
	if err := json.Unmarshal([]byte(text), &root); err != nil {
		t.Fatal(err)
	}
	var all []any
	gather(root, &all)
	odd := []any{nil, true, "", "a", -1.0, 1e300, []any{}, []any{nil, 1.0}, map[string]any{}, map[string]any{"type": "SELECT_NODE"},
		map[string]any{"node": nil}}
	for range rapid.IntRange(1, 4).Draw(t, "changes") {
		at := rapid.SampledFrom(all).Draw(t, "at")
		to := rapid.SampledFrom(append(odd[:len(odd):len(odd)], all[:min(len(all), 50)]...)).Draw(t, "to")
		var copied any // or a value would contain itself
		if b, err := json.Marshal(to); err != nil || json.Unmarshal(b, &copied) != nil {
			t.Fatal(err)
		}
		switch at := at.(type) {
		case map[string]any:
			if len(at) > 0 {
				at[rapid.SampledFrom(slices.Sorted(maps.Keys(at))).Draw(t, "key")] = copied
			}
		case []any:
			if len(at) > 0 {
				at[rapid.IntRange(0, len(at)-1).Draw(t, "index")] = copied
			}
		}
	}
	out, err := json.Marshal(root)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// gather are all values that have others in them.
func gather(v any, out *[]any) {
	switch v := v.(type) {
	case map[string]any:
		*out = append(*out, v)
		for _, k := range slices.Sorted(maps.Keys(v)) {
			gather(v[k], out)
		}
	case []any:
		*out = append(*out, v)
		for _, x := range v {
			gather(x, out)
		}
	}
}
