package declare

import (
	"strings"
	"testing"
)

func TestJSONPath(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"$.a": "a", "$.a.b": "a|b", `$."odd name".x`: "odd name|x", "$.list[0].b": "list|0|b",
		"$[2]": "2", "$": "", "a": "", "$..a": "", "$.": "", "$.a[": "", "$.a[]": "", "$.a[-1]": "", `$."x`: "", "$x": ""} {
		got, err := Path(text)
		if (err != nil) != (want == "") || strings.Join(got, "|") != want {
			t.Errorf("%s: %q, %v", text, got, err)
		}
	}
}
