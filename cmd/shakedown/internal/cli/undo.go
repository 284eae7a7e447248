package cli

import (
	"context"
	"fmt"

	"github.com/shakedown-dev/shakedown/cmd/shakedown/internal/store"
	"github.com/shakedown-dev/shakedown/docker"
)

// sweep removes what the options say, and before that undoes what the journals
// of dead runs below out say was left in force. It returns what it undid.
func (r *root) sweep(ctx context.Context, e *docker.Engine, out string, o docker.SweepOptions) ([]docker.Swept, error) {
	left, err := store.Left(out)
	if err != nil {
		return nil, environment(err, "")
	}
	var mine []store.Leftovers
	for _, l := range left {
		if o.Run == "" || o.Run == l.Folder.ID() {
			mine = append(mine, l)
			o.Dead = append(o.Dead, l.Folder.ID())
		}
	}
	swept, err := r.sweepDeadHosts(ctx, out, o)
	if err != nil {
		return swept, err
	}
	if e != nil { // runs on hosts need no docker
		some, err := e.Sweep(ctx, o)
		if swept = append(swept, some...); err != nil {
			return swept, err
		}
	}
	undone, err := r.settle(ctx, mine, o.DryRun)
	return append(undone, swept...), err
}

// settle tells what of dead runs is undone, now that all that they made is
// gone, and notes it in their journals.
func (r *root) settle(_ context.Context, left []store.Leftovers, dry bool) ([]docker.Swept, error) {
	var undone []docker.Swept
	for _, l := range left {
		for _, u := range l.Undo {
			undone = append(undone, docker.Swept{Kind: "fault", Name: u.ID, Run: l.Folder.ID()})
		}
		if dry {
			continue
		}
		if err := l.Settle("clean"); err != nil {
			return undone, environment(err, "")
		}
	}
	return undone, nil
}

// healDead undoes what runs that were killed have left behind, before the next
// one begins. That it could not be done is no reason not to run.
func (r *root) healDead(ctx context.Context, e *docker.Engine, out string) {
	left, err := store.Left(out)
	if err != nil {
		r.warn("%v", err)
		return
	}
	for _, l := range left {
		id := l.Folder.ID()
		undone, err := r.sweep(ctx, e, out, docker.SweepOptions{Run: id})
		if err != nil {
			r.warn("run %s was killed with %s in force, and it could not be undone: %v", id, countOf(len(l.Undo), "fault"), err)
			continue
		}
		fmt.Fprintf(r.env.Stderr, "shakedown: run %s was killed with %s in force: undone, and %s removed\n",
			id, countOf(len(l.Undo), "fault"), countOf(len(undone)-len(l.Undo), "thing"))
	}
}
