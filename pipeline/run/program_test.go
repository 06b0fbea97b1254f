package run

import (
	"testing"

	"dsql/pipeline/program"
)

// OR REPLACE and IF NOT EXISTS are no change of a declaration; a name of these words is.
func TestFingerprintOf(t *testing.T) {
	t.Parallel()
	const plain = "create stream s from i"
	for _, same := range []string{"CREATE STREAM s FROM i;", "CREATE OR REPLACE STREAM s FROM i", "create stream IF NOT EXISTS s from i",
		"CREATE OR REPLACE STREAM IF NOT EXISTS S FROM i"} {
		if got := program.FingerprintOf(same); got != plain || program.FingerprintOf(got) != plain {
			t.Errorf("%s: %s", same, got)
		}
	}
	for _, other := range []string{"CREATE STREAM if FROM i", "CREATE STREAM s FROM j",
		"CREATE STREAM s AS SELECT * FROM i WHERE NOT EXISTS (FROM j)"} {
		if program.FingerprintOf(other) == plain {
			t.Errorf("%s is %s", other, plain)
		}
	}
	f := newField(t)
	f.write("in/1.csv", "id\n1\n")
	f.run("CREATE SOURCE i (id BIGINT) FROM FILES ('in/*.csv');\nCREATE STREAM s FROM i;\n")
	changes, err := program.Plan(t.Context(),
		f.options("CREATE OR REPLACE SOURCE i (id BIGINT) FROM FILES ('in/*.csv');\nCREATE STREAM IF NOT EXISTS s FROM i;\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range changes {
		if c.Action != "none" {
			t.Errorf("%s %s: %s", c.Kind, c.Name, c.Action)
		}
	}
}
