package nemesis

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shakedown-dev/shakedown/nemesis/agent"
)

// A diary is a journal that shares its pages with what the agent is asked.
type diary struct {
	bench *bench
	full  bool
}

func (d diary) Will(u Undo) error {
	if d.full {
		return errors.New("disk full")
	}
	d.bench.mu.Lock()
	defer d.bench.mu.Unlock()
	d.bench.asked = append(d.bench.asked, "will "+u.ID+" "+strings.Join(u.Nodes, ",")+" "+u.How[:min(len(u.How), 8)])
	return nil
}

func (d diary) Undone(id string) error {
	d.bench.mu.Lock()
	defer d.bench.mu.Unlock()
	d.bench.asked = append(d.bench.asked, "undone "+id)
	return nil
}

func runWith(t *testing.T, b *bench, j Journal, in Injection) error {
	t.Helper()
	begin := time.Now()
	x := b.exec(begin)
	x.Journal = j
	return Run(t.Context(), []Injection{in}, x)
}

// Whatever is done is noted before, with the nodes that it will really hit, and
// struck off once it is seen to be gone.
func TestWhatIsDoneIsNotedBefore(t *testing.T) {
	for name, in := range map[string]Injection{"role": pauseLeader, "node": at(1, "storm/pause", "n4", nil)} {
		synctest.Test(t, func(t *testing.T) {
			b := &bench{answer: obliging, leader: "n4"}
			if err := runWith(t, b, diary{bench: b}, in); err != nil {
				t.Fatal(err)
			}
			want := []string{"will storm/pause#1 n4 let ever", "freeze n4", "frozen n4", "thaw n4", "undone storm/pause#1"}
			if !slices.Equal(b.asked, want) {
				t.Errorf("%s: %q, want %q", name, b.asked, want)
			}
		})
	}
}

// What could not be noted is not done; what could not be healed is not struck off.
func TestWhatCannotBeNotedIsNotDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bench{answer: obliging, leader: "n4"}
		if err := runWith(t, b, diary{b, true}, pauseLeader); err == nil || len(b.asked) > 0 {
			t.Errorf("err %v, asked %q", err, b.asked)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		b := &bench{leader: "n4", answer: func(r agent.Request) (agent.Reply, error) {
			if r.Do == agent.Thaw {
				return refusing(r)
			}
			return obliging(r)
		}}
		if err := runWith(t, b, diary{bench: b}, pauseLeader); err == nil || slices.Contains(b.asked, "undone storm/pause#1") {
			t.Errorf("err %v, asked %q", err, b.asked)
		}
	})
}
