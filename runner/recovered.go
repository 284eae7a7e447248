package runner

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/shakedown-dev/shakedown/history"
)

// recoveries are the healed faults whose nodes have not all served again. A
// node has when an operation through it, begun after the heal, ended ok, or
// when it was found healthy.
type recoveries struct {
	mu   sync.Mutex
	open []*recovery
}

// A recovery is one healed fault.
type recovery struct {
	fault   string
	event   history.FaultEvent // as it is written in the end
	healed  time.Duration
	waiting []string
	proofs  []string
}

// begin notes that a fault was seen to be gone.
func (r *recoveries) begin(fault string, e history.FaultEvent, at time.Duration) {
	if len(e.Nodes) == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.open = append(r.open, &recovery{
		fault: fault, event: history.FaultEvent{ID: e.ID, Stage: history.StageRecovered, Nodes: e.Nodes, Role: e.Role},
		healed: at, waiting: slices.Clone(e.Nodes),
	})
}

// served takes in that node served what was begun at that time, and returns the
// faults of which all nodes have now.
func (r *recoveries) served(node string, began time.Duration, proof func(since time.Duration) string) []*recovery {
	r.mu.Lock()
	defer r.mu.Unlock()
	var whole []*recovery
	r.open = slices.DeleteFunc(r.open, func(o *recovery) bool {
		i := slices.Index(o.waiting, node)
		if i < 0 || began < o.healed {
			return false
		}
		o.waiting = slices.Delete(o.waiting, i, i+1)
		o.proofs = append(o.proofs, proof(o.healed))
		if len(o.waiting) == 0 {
			whole = append(whole, o)
		}
		return len(o.waiting) == 0
	})
	return whole
}

// servedBy takes in an operation that ended ok.
func (r *run) servedBy(invoked, done history.Op) error {
	return r.recover(done.Node, invoked.Time, func(since time.Duration) string {
		return fmt.Sprintf("%s served #%d after %s", done.Node, done.Index, (done.Time - since).Round(time.Millisecond))
	})
}

// foundHealthy takes in that all nodes were found healthy by questions that
// were begun at that time.
func (r *run) foundHealthy(began time.Duration) error {
	for _, n := range r.nodes {
		err := r.recover(n.Name, began, func(since time.Duration) string {
			return fmt.Sprintf("%s was found healthy after %s", n.Name, (r.since() - since).Round(time.Millisecond))
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// recover writes of each fault whose last node has served again that it is
// over and done with.
func (r *run) recover(node string, began time.Duration, proof func(time.Duration) string) error {
	for _, o := range r.back.served(node, began, proof) {
		o.event.Evidence, o.event.Late = strings.Join(o.proofs, "; "), r.since()-o.healed
		value, err := json.Marshal(o.event)
		if err != nil {
			return fmt.Errorf("encode that %s recovered: %w", o.event.ID, err)
		}
		if _, err := r.rec.append(history.Op{Process: history.Nemesis, Type: history.Info, F: o.fault, Value: value}); err != nil {
			return err
		}
		r.late(o.fault+"_recovered", o.event.Late)
		r.say("heal", "%s recovered: %s", o.event.ID, o.event.Evidence)
	}
	return nil
}
