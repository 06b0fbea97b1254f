package program

import (
	"context"
	"time"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/pipeline/event"
	"dsql/pipeline/params"
	"dsql/sql"
)

// Options are what the command line asks for.
type Options struct {
	Language *Language     // what the scripts and the file's declarations are written in
	Scripts  []*sql.Source // run one after the other as one script
	Select   []string      // the declarations that are meant, see Program.Selected; nil: all
	Set      params.Set    // values of the scripts' parameters
	Parsed   []sql.Stmt    // what Language.Parse made of them, where that was done before: runs may share it; nil: they are read
	Dir      string        // the folder that relative paths start at: the first script's
	DB       string        // the DuckDB file
	DryRun   bool          // say what would be done, change nothing
	Share    *kind.Share   // the file is one of several that have the sources among them; nil: as the file says
	Among    int           // so many processes have the machine's cores and memory among them; 0: this one has them
	Prune    bool          // drop what the file declares and the scripts don't
	Follow   bool          // go on when all is read, until Stop

	Snapshot      string        // a copy of the file for readers, "" for none
	SnapshotEvery time.Duration // how often it is renewed while the run goes on

	Trace func(duck.Traced) // see duck.Options

	Witness *duck.Witness // notes which ways the conditions of the scripts go; nil: nobody asks

	MakeRoom func(error) bool // memory ran out: true where there is some now, and the batch is worth another try; nil: there is nobody to ask

	Events func(event.Event) // called from one goroutine at a time
	Stop   <-chan struct{}   // closed: finish the batch in hand, then end
}

// Statements are those of the scripts.
func (o Options) Statements(ctx context.Context) ([]sql.Stmt, error) {
	if o.Parsed != nil {
		return o.Parsed, nil
	}
	return o.Language.Parse(ctx, o.Scripts, o.Set)
}

func (o Options) Emit(e event.Event) {
	if o.Events != nil {
		o.Events(e)
	}
}
