package main

import (
	"github.com/shakedown-dev/shakedown/cmd/shakedown/internal/cli"
	"github.com/shakedown-dev/shakedown/docker/images"
	"github.com/shakedown-dev/shakedown/runner/client"
	"github.com/shakedown-dev/shakedown/runner/client/etcd"
	"github.com/shakedown-dev/shakedown/runner/client/exec"
	"github.com/shakedown-dev/shakedown/runner/client/http"
	"github.com/shakedown-dev/shakedown/runner/client/postgres"
	"github.com/shakedown-dev/shakedown/runner/client/redis"
	"github.com/shakedown-dev/shakedown/scenarios"
)

// catalog names everything that a scenario can use. Nothing registers itself:
// what is new is written where it belongs, and named here. A test holds this
// list against what the packages know.
func catalog() cli.Catalog {
	return cli.Catalog{
		Images:  images.FS(),
		Recipes: []string{"abd", "etcd", "postgres", "redis"},
		Clients: []cli.Driver{
			{Name: "etcd", Open: func(s *scenarios.Scenario) client.System { return etcd.New(s.Client, s.Workload) }},
			{Name: "redis", Open: func(s *scenarios.Scenario) client.System { return redis.New(s.Client, s.Workload) }},
			{Name: "postgres", Open: func(s *scenarios.Scenario) client.System { return postgres.New(s.Client, s.Workload) }},
			{Name: "exec", Open: func(s *scenarios.Scenario) client.System { return exec.New(s.Client, s.Workload) }},
			{Name: "http", Open: func(s *scenarios.Scenario) client.System { return http.New(s.Client, s.System.Ready) }},
		},
		Faults: []string{
			"partition", "latency", "connections", "dns", // of links between nodes
			"kill", "pause", "clock", "resources", // of a node and its processes
			"disk",                  // of a node's disk
			"rolling", "membership", // of the cluster as it is run
			"custom", // whatever the scenario says
		},
		Workloads: []string{
			"register", "cas-register", "append", "rw-register", "bank", "long-fork", "write-skew",
			"set", "queue", "counter", "unique-ids", "lock", "log", "monotonic", "sequential", "causal-reverse",
		},
		Checks: []string{
			"linearizable",
			"list-append", "rw-register", "bank", "long-fork", "write-skew", "monotonic",
			"set", "set-full", "total-queue", "counter", "unique-ids", "log", "leader",
			"sequential", "causal", "causal-reverse", "session",
			"convergence", "stats", "earned", "recovery", "availability", "latency", "logs",
			"invariant", "command",
		},
	}
}
