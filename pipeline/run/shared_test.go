package run

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"dsql/pipeline/params"
	"dsql/sql"
)

const sharedScript = `CREATE SOURCE orders_in (id BIGINT, status VARCHAR, amount DECIMAL(10, 2), seq INTEGER) FROM FILES ('in/*.csv');
CREATE RULES house (SET status = upper(status), CONSTRAINT known EXPECT (id > 0));
CREATE CHECKS gates (CHECK some EXPECT (count(*) > 0) ON FAILURE WARN);
CREATE FUNCTION dear(a DOUBLE) RETURNS BOOLEAN LANGUAGE expr AS $$ a > 15 $$;
CREATE MODEL late FROM 'models/late.txt';
CREATE EXPERIMENT ab VARIANTS (control 50, offer 50) SALT 's';
CREATE STREAM orders RULES (APPLY house) METRICS (total = sum(amount)) CHECKS (APPLY gates, ` +
	`CHECK steady EXPECT (previous(total) IS NULL OR total > 0)) FROM orders_in;
CREATE JOURNAL state KEYS (id) SEQUENCE BY seq COLUMNS * EXCEPT (amount) CHECKS (CHECK all_of EXPECT (count(*) > 0) OVER TABLE) FROM orders;
CREATE STREAM scored AS SELECT id, late(amount, amount) AS score, ab(id) AS variant, dear(amount) AS dear FROM STREAM orders;
CREATE SINK lake INTO FILES ('out', format csv) FROM state;
REFRESH;
SELECT count(*) FROM orders;
REBUILD JOURNAL state;
`

// parsed are the statements of a script, as a server holds them.
func (f *field) parsed(script string) []sql.Stmt {
	f.t.Helper()
	stmts, err := Language.Parse(f.t.Context(), []*sql.Source{sql.NewSource("s.sql", script)}, params.Set{})
	if err != nil {
		f.t.Fatal(render(err))
	}
	return stmts
}

func (f *field) runParsed(stmts []sql.Stmt) error {
	o := f.options("")
	o.Parsed = stmts
	return Run(f.t.Context(), o)
}

// orders writes the n-th file that comes, and the model once.
func (f *field) orders(n int) {
	f.t.Helper()
	if n == 1 {
		f.model()
	}
	f.write(fmt.Sprintf("in/%d.csv", n), fmt.Sprintf("id,status,amount,seq\n1,open,10.50,%d\n%d,open,20,1\n0,bad,1,1\n", n, n+1))
}

func (f *field) model() {
	f.t.Helper()
	b, err := os.ReadFile("../../testdata/models/example.txt")
	if err != nil {
		f.t.Fatal(err)
	}
	f.write("models/late.txt", string(b))
}

// A script that was read once runs on many files, side by side and one after the other, and on one file again and again.
func TestSharedScript(t *testing.T) {
	t.Parallel()
	fields := []*field{newField(t), newField(t), newField(t)}
	stmts := fields[0].parsed(sharedScript)
	other := fields[2]
	other.orders(1)
	// its names are spelt otherwise
	other.run(strings.NewReplacer("orders ", "Orders ", "state ", "STATE ", "lake", "Lake", "house", "HOUSE", "total",
		"Total").Replace(sharedScript))
	for n := 1; n <= 3; n++ {
		var all sync.WaitGroup
		errs := make([]error, len(fields))
		for i, f := range fields {
			if f != other || n > 1 {
				f.orders(n)
			}
			all.Go(func() { errs[i] = f.runParsed(stmts) })
		}
		all.Wait()
		for i, f := range fields {
			if errs[i] != nil {
				t.Fatalf("run %d, file %d: %s", n, i, render(errs[i]))
			}
			f.is("SELECT count(*) FROM orders", fmt.Sprint(2*n))
			f.is("SELECT count(*) FROM scored WHERE dear", fmt.Sprint(n))
			f.is("SELECT count(*) FROM state", fmt.Sprint(n+1))
			f.is("SELECT count(*) FROM dsql.rejects", fmt.Sprint(n))
			f.is("SELECT count(DISTINCT name) FROM dsql.declarations", "10")
			if out, _ := filepath.Glob(filepath.Join(f.dir, "out", "*.csv")); len(out) < n {
				t.Errorf("run %d, file %d: the sink wrote %d files", n, i, len(out))
			}
		}
	}
}
