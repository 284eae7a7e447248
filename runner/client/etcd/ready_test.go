package etcd

import (
	"context"
	"strings"
	"testing"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"

	"github.com/shakedown-dev/shakedown/scenarios"
)

func TestReadyOnRealNodes(t *testing.T) {
	s := New(scenarios.Client{}, scenarios.Workload{})
	for _, n := range startCluster(t, 3) {
		// Once is not enough to ask: a busy machine may not answer in time.
		eventually(t, n.Name+" is ready", func(ctx context.Context) error { return s.Ready(ctx, n.Node) })
		c := openClient(t, s, n.Node)
		if op := invoke(t, c, "read", "shakedown/ready/"+n.Name, ""); string(op.Value) != `"`+n.Name+`"` {
			t.Errorf("read back %s: %s", op.Value, op.Error)
		}
	}
}

// TestReadyWantsTheWriteBack: the fake acknowledges the write and reads nothing.
func TestReadyWantsTheWriteBack(t *testing.T) {
	fake, n := startFake(t, func(*fakeServer) error { return nil })
	err := New(scenarios.Client{}, scenarios.Workload{}).Ready(t.Context(), n)
	if err == nil || !strings.Contains(err.Error(), "n1 does not know of the write") {
		t.Error(err)
	}
	if calls := fake.calls.Load(); calls != 2 {
		t.Errorf("%d requests, want a write and a read", calls)
	}
}

func TestReadySaysWhatTheNodeAnswered(t *testing.T) {
	_, n := startFake(t, func(*fakeServer) error { return rpctypes.ErrGRPCNoSpace })
	err := New(scenarios.Client{}, scenarios.Workload{}).Ready(t.Context(), n)
	if err == nil || !strings.Contains(err.Error(), "n1") || !strings.Contains(err.Error(), "database space exceeded") {
		t.Error(err)
	}
}
