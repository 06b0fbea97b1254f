package serve_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// The lag of a topic is what its brokers say, also where nothing was committed since; one whose brokers are away has none, and pages go on.
func TestPagesShowLag(t *testing.T) {
	t.Parallel()
	fake, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "t"))
	if err != nil {
		t.Fatal(err)
	}
	defer fake.Close()
	client, err := kgo.NewClient(kgo.SeedBrokers(fake.ListenAddrs()...), kgo.DefaultProduceTopic("t"))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	produce := func(n int) {
		for i := range n {
			if err := client.ProduceSync(t.Context(), kgo.StringRecord(fmt.Sprintf(`{"id": %d}`, i))).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
	}
	produce(2)
	r := start(t, t.TempDir(), fmt.Sprintf(`CREATE SOURCE f (id BIGINT) FROM KAFKA (brokers '%s', topic 't', format json);
		CREATE STREAM s FROM f; REFRESH`, fake.ListenAddrs()[0])).ready()
	r.shows("/o/f", `<dt>lag</dt><dd class="">0</dd>`)
	produce(1200)
	r.shows("/o/f", `<dt>lag</dt><dd class="">1,200</dd>`)
	r.shows("/", "lag 1,200")
	fake.Close()
	for range 300 {
		if _, body, _ := r.get("/o/f"); !strings.Contains(body, "<dt>lag</dt>") {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Error("the lag stands there though nobody tells it")
}

// shows waits until a page has a text.
func (r *running) shows(page, want string) {
	r.t.Helper()
	body := ""
	for range 300 {
		if _, body, _ = r.get(page); strings.Contains(body, want) {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	r.t.Errorf("%s doesn't show %s: %s", page, want, body[max(0, strings.Index(body, "<main")):])
}
