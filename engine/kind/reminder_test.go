package kind

import (
	"testing"
	"time"
)

func TestReminder(t *testing.T) {
	var r Reminder
	at := time.Now()
	for _, x := range []struct {
		after time.Duration
		due   bool
	}{{0, true}, {time.Second, false}, {59 * time.Second, false}, {60 * time.Second, true}, {119 * time.Second, false}, {121 * time.Second, true}} {
		if got := r.Due(at.Add(x.after)); got != x.due {
			t.Errorf("after %s it is due: %v", x.after, got)
		}
	}
	if r.Over(); !r.Due(at.Add(122 * time.Second)) {
		t.Error("what comes later isn't told at once")
	}
}
