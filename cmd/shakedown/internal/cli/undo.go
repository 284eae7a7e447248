package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/shakedown-dev/shakedown/cmd/shakedown/internal/store"
	"github.com/shakedown-dev/shakedown/docker"
	"github.com/shakedown-dev/shakedown/nemesis"
)

// sweep removes what the options say, on hosts and in docker, and tells what of
// the journals of dead runs below out is undone by that. Without an engine, runs
// in docker are left as they are, journals and all. A host that cannot be
// reached keeps nothing else from being swept.
func (r *root) sweep(ctx context.Context, e *docker.Engine, out string, o docker.SweepOptions) ([]docker.Swept, error) {
	left, err := deadRuns(out)
	if err != nil {
		return nil, environment(err, "")
	}
	swept, hostsErr := r.sweepElsewhere(ctx, left, o)
	if e == nil {
		return swept, hostsErr
	}
	var mine []store.Leftovers
	for _, l := range left {
		if p, err := planOf(l.Folder); err == nil && elsewhere(p.Scenario) {
			continue // it is swept where it ran
		}
		if o.Run == "" || o.Run == l.Folder.ID() {
			mine = append(mine, l)
			o.Dead = append(o.Dead, l.Folder.ID())
		}
	}
	some, err := e.Sweep(ctx, o)
	swept = append(swept, some...)
	if err != nil {
		return swept, errors.Join(err, hostsErr)
	}
	undone, err := r.settle(mine, o.DryRun)
	return append(undone, swept...), errors.Join(err, hostsErr)
}

// deadRuns are the runs below out that have left something in force, and after
// them those that may have left their nodes, and with them rules.
func deadRuns(out string) ([]store.Leftovers, error) {
	left, err := store.Left(out)
	if err != nil {
		return nil, err
	}
	abandoned, err := store.Abandoned(out)
	for _, f := range abandoned {
		if !slices.ContainsFunc(left, func(l store.Leftovers) bool { return l.Folder.ID() == f.ID() }) {
			left = append(left, store.Leftovers{Folder: f})
		}
	}
	return left, err
}

// settle tells what of dead runs is undone, now that all that they made is
// gone, and notes it in their journals.
func (r *root) settle(left []store.Leftovers, dry bool) ([]docker.Swept, error) {
	var undone []docker.Swept
	for _, l := range left {
		for _, u := range l.Undo {
			if heal := outsideHeal(u); heal != "" {
				r.warn("fault %s of run %s was made outside the nodes, and is not undone by this: %s", u.ID, l.Folder.ID(), heal)
				continue
			}
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

// outsideHeal is the heal of a fault that was not made in the nodes, which do
// not take it with them when they go; empty for all others. It is for a person
// to carry out: a command out of a file that lies about is not run unasked.
func outsideHeal(u nemesis.Undo) string {
	c := u.Injection.Custom
	if c == nil || !c.Heal.OnHost && (c.Heal.URL == "" || strings.Contains(c.Heal.URL, "{ip}")) {
		return ""
	}
	return c.Heal.String()
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
		if p, err := planOf(l.Folder); e == nil && (err != nil || !elsewhere(p.Scenario)) {
			continue // for a run that has docker at hand
		}
		undone, err := r.sweep(ctx, e, out, docker.SweepOptions{Run: id})
		if err != nil {
			r.warn("run %s was killed with %s in force, and it could not be undone: %v", id, countOf(len(l.Undo), "fault"), err)
			continue
		}
		things := slices.DeleteFunc(undone, func(s docker.Swept) bool { return s.Kind == "fault" })
		fmt.Fprintf(r.env.Stderr, "shakedown: run %s was killed with %s in force: undone, and %s removed\n",
			id, countOf(len(l.Undo), "fault"), countOf(len(things), "thing"))
	}
}
