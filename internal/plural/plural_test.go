package plural

import "testing"

func TestOf(t *testing.T) {
	for n, want := range map[int]string{0: "0 rows", 1: "1 row", 2: "2 rows", 1000: "1000 rows", -1: "-1 rows"} {
		if got := Of(n, "row"); got != want {
			t.Errorf("Of(%d) is %q, not %q", n, got, want)
		}
	}
	if got := Of(int64(1), "row"); got != "1 row" {
		t.Error(got)
	}
}
