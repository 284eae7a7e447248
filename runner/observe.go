package runner

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/shakedown-dev/shakedown/history"
)

// opsEvery is how often the counts of operations are told.
const opsEvery = 5 * time.Second

// observeFault tells people about a step of a fault, and keeps how late the
// plan's moments were met.
func (r *run) observeFault(fault string, e history.FaultEvent) {
	out := Event{At: r.since(), Fault: &FaultStep{fault, e}}
	switch e.Stage {
	case history.StageInject:
		out.Kind, out.Text = "fault", fmt.Sprintf("%s on %s: %s", e.ID, targets(e), e.Says)
	case history.StageInForce:
		r.late(fault+"_in_force_late", e.Late)
		out.Kind, out.Text = "fault", fmt.Sprintf("%s took hold: %s", e.ID, e.Evidence)
	case history.StageHealed:
		r.back.begin(fault, e, r.since())
		r.late(fault+"_heal", e.Late)
		out.Kind, out.Text = "heal", fmt.Sprintf("%s healed: %s", e.ID, e.Evidence)
	case history.StageFailed:
		out.Kind, out.Text = "warn", fmt.Sprintf("%s failed: %s", e.ID, e.Error)
	default:
		return // that a heal has begun is told when it is done
	}
	r.o.Observe(out)
}

// targets names the nodes of a fault, with the role that chose them.
func targets(e history.FaultEvent) string {
	names := strings.Join(e.Nodes, " ")
	if e.Role != "" {
		names += " (" + e.Role + ")"
	}
	return names
}

// late keeps the largest of the times given under one name.
func (r *run) late(name string, d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.out.Timings[name+"_max"] = max(r.out.Timings[name+"_max"], d)
}

// watchOperations tells the counts of operations now and then, and takes
// readings if somebody wants them, until the function that it returns is
// called, which waits for it to end.
func (r *run) watchOperations(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var done sync.WaitGroup
	done.Go(r.guard(func() {
		for pauseFor(ctx, opsEvery) {
			r.sayOperations()
		}
	}))
	if r.o.Measure != nil {
		g := &gauge{run: r, before: r.rec.snapshot()}
		done.Go(r.guard(func() { g.measure(ctx) }))
		done.Go(r.guard(func() { g.followLeader(ctx) }))
	}
	return func() {
		cancel()
		done.Wait()
	}
}

func (r *run) sayOperations() {
	c := r.rec.counts()
	rate := float64(c["ok"]+c["fail"]+c["info"]) / max(r.since().Seconds(), 1)
	text := fmt.Sprintf("%d ok, %d fail, %d unknown, %.0f/s", c["ok"], c["fail"], c["info"], rate)
	if c["shed"] > 0 {
		text += fmt.Sprintf("; %d not sent, their client was still waiting", c["shed"])
	}
	r.say("ops", "%s", text)
}
