package cli

import (
	"strings"
	"testing"

	"github.com/shakedown-dev/shakedown/history"
)

// What a history is judged as when nobody says.
func TestCustomary(t *testing.T) {
	for _, c := range []struct{ operations, want string }{
		{"read:1 write:1 cas:[1,2]", "linearizable cas-register"},
		{"acquire:null release:null", "linearizable mutex"},
		{"release:null", "linearizable cas-register"},
		{"enqueue:1 dequeue:1", "total-queue"},
		{"enqueue:1 drain:[1]", "total-queue"},
		{"push:1 pop:1 peek:1", "linearizable stack"},
		{"insert:1 poll:1", "linearizable priority-queue"},
		{"get:1 append:2", "linearizable kv"},
		{"push_front:1 pop_back:1", "linearizable deque"},
		{"transfer:1 read:{}", "bank"},
		{"generate:7", "unique-ids"},
		{"add:1 read:[1]", "set-full"},
		{"add:1 read:1", "counter"},
		{"add:1 contains:1", "linearizable cas-register"},
		{"enqueue:1 push:1", "linearizable cas-register"},
	} {
		var b strings.Builder
		for i, o := range strings.Fields(c.operations) {
			f, value, _ := strings.Cut(o, ":")
			for j, kind := range []string{"invoke", "ok"} {
				b.WriteString(`{"index":` + string(rune('0'+2*i+j)) + `,"time_ns":` + string(rune('0'+2*i+j)) + `,"process":0,"type":"` + kind + `","f":"` + f + `","value":` + value + "}\n")
			}
		}
		h, err := history.Read(strings.NewReader(b.String()))
		if err != nil {
			t.Fatalf("%s: %v", c.operations, err)
		}
		spec := customary(h)
		if got := strings.TrimSpace(spec.Check + " " + spec.Model); got != c.want {
			t.Errorf("%s: judged as %s, want %s", c.operations, got, c.want)
		}
	}
}
