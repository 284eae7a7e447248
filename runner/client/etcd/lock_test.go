package etcd

import (
	"context"
	"encoding/json"
	"strconv"
	"testing"

	"github.com/shakedown-dev/shakedown/history"
	"github.com/shakedown-dev/shakedown/runner/client"
	"github.com/shakedown-dev/shakedown/scenarios"
)

// The classical mistake, and what helps: a holder whose node stood still longer
// than its lease lasts believes in its lock, and writes what the next holder has
// written since. With fencing it is refused.
func TestHolderOfThePast(t *testing.T) {
	nodes := startCluster(t, 3)
	for name, want := range map[string]history.Type{"fenced": history.Fail, "unfenced": history.OK} {
		t.Run(name, func(t *testing.T) {
			s := New(scenarios.Client{Lease: minLease, Unfenced: name == "unfenced"}, scenarios.Workload{Use: "lock"})
			past, next := nodes[0], nodes[1]
			first, second := openClient(t, s, past.Node), openClient(t, s, next.Node)
			op := func(f, value string) history.Op { return history.Op{F: f, Key: name, Value: json.RawMessage(value)} }
			old := certain(t, first, op("acquire", "1"))
			past.pause(t)
			resumed := false
			defer func() {
				if !resumed {
					past.resume(t)
				}
			}()
			var token json.RawMessage
			eventually(t, "the lease runs out, and another client gets the lock", func(ctx context.Context) error {
				got := second.Invoke(ctx, op("acquire", "2"))
				token = got.Value
				return errorOf(got)
			})
			if number(t, token) <= number(t, old) {
				t.Errorf("the token %s was given out after %s", token, old)
			}
			certain(t, second, op("write", string(token)))
			past.resume(t)
			resumed = true
			var got history.Op
			eventually(t, "the holder of the past is answered", func(ctx context.Context) error {
				got = first.Invoke(ctx, op("write", string(old)))
				if got.Type == want {
					return nil
				}
				return errorOf(got)
			})
			if got.Type != want {
				t.Errorf("the holder of the past writes: %v %s, want %v", got.Type, got.Error, want)
			}
		})
	}
}

// minLease is the shortest lease that etcd gives with the tests' short elections.
const minLease = 2e9

// certain carries out an operation that must succeed, once the cluster lets it.
func certain(t *testing.T, c client.Client, op history.Op) json.RawMessage {
	t.Helper()
	var got history.Op
	eventually(t, op.F+" succeeds", func(ctx context.Context) error {
		got = c.Invoke(ctx, op)
		return errorOf(got)
	})
	return got.Value
}

type unsuccessful string

func (e unsuccessful) Error() string { return string(e) }

func errorOf(op history.Op) error {
	if op.Type == history.OK {
		return nil
	}
	return unsuccessful(op.Type.String() + ": " + op.Error)
}

func number(t *testing.T, v json.RawMessage) int64 {
	t.Helper()
	n, err := strconv.ParseInt(string(v), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
