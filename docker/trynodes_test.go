package docker

import (
	"context"
	"strings"
	"testing"
)

// Each of what needs the engine is tried on a node that is thrown away.
func TestTryNodes(t *testing.T) {
	e := engine(t)
	run := runName(t)
	var faults []string
	for _, a := range e.TryNodes(t.Context(), run) {
		t.Logf("%+v", a)
		if faults = append(faults, a.Fault); !a.OK || a.Detail == "" || a.Hint != "" {
			t.Errorf("%+v", a)
		}
	}
	if got := strings.Join(faults, " "); got != "rolling membership custom kill" {
		t.Errorf("tried %s", got)
	}
	nothingLeft(t, e, run)
}

// Where no node can be started each says why, and what to look at.
func TestTryNodesSaysWhyNot(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, a := range engine(t).TryNodes(ctx, runName(t)) {
		if a.OK || !strings.Contains(a.Detail, "context canceled") || a.Hint == "" {
			t.Errorf("%+v", a)
		}
	}
}
