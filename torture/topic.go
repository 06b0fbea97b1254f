package torture

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"dsql/engine/duck"
)

// Topics: a broker in this process, what stands in them, and what the model makes of them. How records come together in batches is the
// broker's and the client's affair, so the model asks the file which offsets a version took, and holds that against what must be true of
// them: nothing twice, nothing left out, no more than batch_rows.

// broker is a broker that keeps its records while it is away.
type broker struct {
	fake *kfake.Cluster
	cl   *kgo.Client
	data string
	addr string
}

func (b *broker) start(opts ...kfake.Opt) (err error) {
	if b.fake, err = kfake.NewCluster(append(opts, kfake.NumBrokers(1), kfake.DataDir(b.data))...); err != nil {
		return err
	}
	b.addr = b.fake.ListenAddrs()[0]
	b.cl, err = kgo.NewClient(kgo.SeedBrokers(b.addr), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	return err
}

func (b *broker) close() {
	if b.fake != nil {
		b.cl.Close()
		b.fake.Close()
	}
}

// restart takes the broker away and back, at the same address.
func (b *broker) restart() error {
	b.close()
	port, err := strconv.Atoi(b.addr[strings.LastIndex(b.addr, ":")+1:])
	if err != nil {
		return err
	}
	for end := time.Now().Add(time.Minute); ; { // somebody's connection may have got the port
		err := b.start(kfake.Ports(port))
		if err == nil || time.Now().After(end) {
			return err
		}
	}
}

// stumble lets connections break in some of the next requests that read or write.
func (b *broker) stumble() {
	for _, key := range []kmsg.Key{kmsg.Fetch, kmsg.Produce} {
		n := 0
		b.fake.ControlKey(int16(key), func(kmsg.Request) (kmsg.Response, error, bool) {
			n++
			b.fake.KeepControl()
			if n == 2 || n == 4 {
				return nil, errors.New("a connection that breaks"), true
			}
			return nil, nil, false
		})
	}
}

// topic lets a topic be there.
func (b *broker) topic(ctx context.Context, name string, partitions int) error {
	req := kmsg.NewPtrCreateTopicsRequest()
	t := kmsg.NewCreateTopicsRequestTopic()
	t.Topic, t.NumPartitions, t.ReplicationFactor = name, int32(partitions), 1
	req.Topics = append(req.Topics, t)
	_, err := req.RequestWith(ctx, b.cl) // one that is there says so, which is as well
	return err
}

// produce writes records.
func (b *broker) produce(ctx context.Context, src *Decl, f File) error {
	if err := b.topic(ctx, src.topic(), src.Partitions); err != nil {
		return err
	}
	var rs []*kgo.Record
	for _, r := range f.Rows {
		key, value := src.message(r)
		rs = append(rs, &kgo.Record{Topic: src.topic(), Partition: int32(src.partition(r)), Key: key, Value: value})
	}
	return b.cl.ProduceSync(ctx, rs...).FirstErr()
}

func (d *Decl) topic() string { return "topic_" + low(d.Name) }

// partition is where a record stands: one key, one partition.
func (d *Decl) partition(r Record) int {
	n, _ := r.Values.num("id")
	return int(n) % d.Partitions
}

// message is a record as its topic has it: a nil value is a tombstone.
func (d *Decl) message(r Record) (key, value []byte) {
	if id := r.Values["id"]; id != nil {
		key = []byte(textOf(id))
	}
	if r.Bad == "type" {
		key = []byte("x")
	}
	if r.Tombstone {
		return key, nil
	}
	bad := either(r.Bad == "type", "", r.Bad)
	rest := Record{Values: r.Values, Bad: bad}
	return key, []byte(jsonRecord(d, filter(names(d.fields()), func(c string) bool { return c != "id" }), rest))
}

// row is what a record gives.
func (m *Model) row(src *Decl, r Record, offset int) Row {
	out := Row{offsetColumn: int64(offset), tombColumn: r.Tombstone}
	for _, c := range m.given(src) {
		out[c] = either(r.Tombstone && c != "id", nil, r.Values[c])
	}
	return out
}

// What a row of a topic has beside its columns.
const (
	offsetColumn = "_meta.offset"
	tombColumn   = "_meta.tombstone"
)

// span of offsets that a batch takes, by partition: [from, to).
type offsets map[int][2]int

var originPart = regexp.MustCompile(`\[(\d+)\] (\d+)–(\d+)`)

// parseOrigin reads the offsets of dsql.version_rows.origin.
func parseOrigin(text string) offsets {
	out := offsets{}
	for _, m := range originPart.FindAllStringSubmatch(text, -1) {
		p, _ := strconv.Atoi(m[1])
		from, _ := strconv.Atoi(m[2])
		to, _ := strconv.Atoi(m[3])
		out[p] = [2]int{from, to + 1}
	}
	return out
}

// hints are what the file says of its versions: which source each one read, and how far. The model takes them where the contract leaves
// the order open.
func (l *look) hints() (map[int]hint, error) {
	v, err := l.newest()
	if err != nil || v == 0 {
		return nil, err
	}
	list, err := duck.Select(l.ctx, l.c, duck.SQL("SELECT version, lower(name), origin FROM dsql.version_rows WHERE kind = 'source'"),
		func(row func(...any) error) (h hint, err error) {
			return h, row(&h.version, &h.source, &h.origin)
		})
	out := map[int]hint{}
	for _, h := range list {
		out[h.version] = h
	}
	return out, err
}

type hint struct {
	version        int
	source, origin string
}

// readTopic takes a topic to its end, as the destinations stand: first what some lack that others have, then what all lack.
func (m *Model) readTopic(source string, wanted []string, again bool) error {
	direct, ends := m.direct(source, wanted), m.ends(source)
	if len(direct) == 0 {
		return nil
	}
	front := offsets{}
	for p := range ends {
		for n, x := range m.dests {
			if has(lowered(x.decl.From), source) && (!again || has(direct, n)) { // what reads again does so up to where it is
				front[p] = [2]int{0, max(front[p][1], m.dests[n].offset(source, p))}
			}
		}
	}
	if again {
		return m.stretch(source, wanted, direct, map[int]int{}, front.ends(), true)
	}
	groups, order := map[string][]string{}, []string{}
	for _, n := range direct {
		at := fmt.Sprint(m.dests[n].offs[source], len(m.dests[n].offs[source]))
		if groups[at] == nil {
			order = append(order, at)
		}
		groups[at] = append(groups[at], n)
	}
	was := m.version
	for _, at := range order {
		if err := m.stretch(source, wanted, groups[at], m.dests[groups[at][0]].offs[source], front.ends(), false); err != nil ||
			m.single && m.version > was {
			return err
		}
	}
	return m.stretch(source, wanted, direct, front.ends(), ends, false)
}

func (o offsets) ends() map[int]int {
	out := map[int]int{}
	for p, x := range o {
		out[p] = x[1]
	}
	return out
}

// ends are where the partitions end.
func (m *Model) ends(source string) map[int]int {
	out := map[int]int{}
	for p := range m.sources[source].Partitions {
		out[p] = 0
	}
	for p, rs := range m.topics[source] {
		out[p] = len(rs)
	}
	return out
}

func (d *Dest) offset(source string, p int) int { return d.offs[source][p] }

// stretch takes a part of a topic for destinations that stand at its start.
func (m *Model) stretch(source string, wanted, to []string, from, end map[int]int, again bool) error {
	at := map[int]int{}
	for p := range end {
		at[p] = min(from[p], end[p])
	}
	for {
		cut, sure := m.cut(source, at, end)
		if len(cut) == 0 {
			return nil
		}
		if !sure && (m.stop == 0 || m.version < m.stop) {
			return errSkip
		}
		grew := m.learn(source, m.fields(source, cut))
		err := m.commit(func(v int) error { return m.arriveTopic(source, cut, to, wanted, v, again) })
		if err != nil && !errors.Is(err, errStop) && grew { // of a batch that fails nobody says which records it had
			return errSkip
		}
		if err != nil || m.single {
			return err
		}
		for p, x := range cut {
			at[p] = x[1]
		}
	}
}

// cut is what the next batch takes: what the file says of it, where that can be; else all that is left, or batch_rows of it. Which those
// are of several partitions nobody says where a batch fails.
func (m *Model) cut(source string, at, end map[int]int) (cut offsets, sure bool) {
	rest, left := offsets{}, 0
	for p := range end {
		if at[p] < end[p] {
			rest[p] = [2]int{at[p], end[p]}
			left += end[p] - at[p]
		}
	}
	limit := m.sources[source].BatchRows
	h, there := m.hints[m.version+1]
	said, n := parseOrigin(h.origin), 0
	fits := there && h.source == source && len(said) > 0
	for p, x := range said {
		n += x[1] - x[0]
		fits = fits && x[0] == at[p] && x[1] <= end[p]
	}
	switch {
	case fits && (limit == 0 || n <= limit):
		return said, true
	case limit > 0 && left > limit && len(rest) == 1:
		for p, x := range rest {
			rest[p] = [2]int{x[0], x[0] + limit}
		}
	}
	return rest, limit == 0 || left <= limit || len(rest) == 1
}

// arriveTopic is a batch of a topic.
func (m *Model) arriveTopic(source string, cut offsets, to, wanted []string, v int, again bool) error {
	m.day, m.file = nil, ""
	m.Tally["batches of topics"]++
	rows, bad := m.messages(source, cut)
	return m.arrived(source, rows, bad, to, wanted, v, func(x *Dest) {
		if again {
			return
		}
		x.offs[source] = cloned(x.offs[source])
		for p, o := range cut {
			x.offs[source][p] = o[1]
		}
	})
}

// messages are the rows of a part of a topic, and the places of its bad records.
func (m *Model) messages(source string, cut offsets) (rows []Rec, bad []Place) {
	src := m.sources[source]
	for p := range src.Partitions {
		for i := cut[p][0]; i < cut[p][1]; i++ {
			r, at := m.topics[source][p][i], Place{fmt.Sprintf("%s[%d]", src.topic(), p), i}
			if r.Bad != "" {
				bad = append(bad, at)
				continue
			}
			rows = append(rows, Rec{Row: m.row(src, r, i), At: at, From: source})
		}
	}
	return rows, bad
}

func cloned(m map[int]int) map[int]int {
	out := map[int]int{}
	for k, v := range m {
		out[k] = v
	}
	return out
}

// messages are records as a case shows them: where they stand, key and value.
func (d *Decl) messages(f File) string {
	var b strings.Builder
	for _, r := range f.Rows {
		key, value := d.message(r)
		fmt.Fprintf(&b, "{\"partition\": %d, \"key\": %q, \"value\": %q, \"tombstone\": %v}\n", d.partition(r), key, value, r.Tombstone)
	}
	return b.String()
}
