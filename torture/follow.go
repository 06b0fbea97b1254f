package torture

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// Follower runs dsql in a folder until line says that it has seen enough; then the command is asked to end. begun is called once it runs.
type Follower func(dir string, begun func() error, line func(string) bool, args ...string) (code int, stderr string, err error)

// follow lets a run follow its sources while files and records come, and ends it when all of them were told. The broker goes through
// the step's trouble once more, behind the first of them.
func (b *Bench) follow(ctx context.Context, script string, files []File, trouble string) (code int, stderr string, err error) {
	m, left := b.model, map[string]int{}
	for _, f := range files {
		if n := low(f.Source); m.sources[n] != nil && len(m.direct(n, m.sorted())) > 0 {
			left[n] += len(f.Rows)
		}
	}
	return b.following(b.dir, func() error {
		for _, f := range files {
			if m.sources[low(f.Source)] == nil {
				continue
			}
			if err := b.arrives(ctx, f); err != nil {
				return err
			}
			if err := b.troubled(trouble); err != nil {
				return err
			}
			trouble = ""
		}
		return nil
	}, func(line string) bool {
		var e struct {
			Event, Source string
			Records       int
		}
		if json.Unmarshal([]byte(line), &e) == nil && e.Event == "version" {
			left[low(e.Source)] -= e.Records
		}
		return !slices.ContainsFunc(slices.Collect(maps.Values(left)), func(n int) bool { return n > 0 })
	}, "run", script, "--db", b.db, "--follow", "--events", "jsonl")
}

// followed is what a following run does: batches in the order in which the file has them, and in the end nothing is left.
func (m *Model) followed() error {
	m.Tally["runs that followed"]++
	for {
		h, there := m.hints[m.version+1]
		if !there || m.sources[h.source] == nil {
			return m.refresh(nil)
		}
		was := m.version
		m.single = true
		err := m.read(h.source, m.sorted(), false)
		m.single = false
		if err != nil {
			return err
		}
		if m.version == was {
			return &Difference{Kind: "follow", Text: fmt.Sprintf("version %d is of source %s, which has nothing more", was+1, h.source)}
		}
	}
}
