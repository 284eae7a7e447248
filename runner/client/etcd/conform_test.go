package etcd

import (
	"testing"

	"github.com/shakedown-dev/shakedown/runner/client"
	"github.com/shakedown-dev/shakedown/runner/client/conform"
	"github.com/shakedown-dev/shakedown/scenarios"
)

// Without this a workload could say something else to etcd than its check
// thinks: every operation and its answer, against a real server.
func TestConforms(t *testing.T) {
	n := startCluster(t, 1)[0]
	conform.Run(t, n.Node, func(w scenarios.Workload) client.System { return New(scenarios.Client{}, w) })
}
