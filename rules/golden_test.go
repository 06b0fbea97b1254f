package rules

import (
	"testing"

	"dsql/internal/testkit"
)

func TestErrors(t *testing.T) {
	t.Parallel()
	c := bench(t)
	testkit.Exec(t, c, `CREATE TABLE flights AS SELECT 1 AS flight_id, 'SAS' AS carrier, 2.5 AS dep_delay, `+
		`TIMESTAMP '2026-01-01' AS seen_at, ['a'] AS tags, 'a@b.no' AS work_email`)
	testkit.Golden(t, "testdata/errors.txt", func(script string) string {
		_, err := compile(t, c, script)
		if err == nil {
			return "no error\n"
		}
		return testkit.Rendered(err)
	})
}
