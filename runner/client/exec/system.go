// Package exec lets a program of the user's own be the client, in any language.
//
// One process of the program is one client of one node. It reads JSON lines on
// its standard input and answers each with one on its standard output:
//
//	{"open":{"node":{"name":"n1","ip":"172.30.0.2","ports":{"client":2379}},"workload":"register"}}
//	{"id":1,"f":"write","key":"r1.1","value":3,"timeout_ms":1000}
//	                                          {"id":1,"type":"ok"}
//	{"id":2,"f":"read","key":"r1.1","value":null,"timeout_ms":1000}
//	                                          {"id":2,"type":"ok","value":3}
//	{"id":3,"f":"cas","key":"r1.1","value":[3,4],"timeout_ms":1000}
//	                                          {"id":3,"type":"fail","error":"value differed","value":[3,4,5]}
//
// The line "open" comes first and is not answered. Type is ok if the operation
// happened, fail if it did not and never will, and info if nobody knows. A cas
// that fails may tell what it found, here 5, which is as good as a read. What
// the program does not answer in time is info, and its process is then ended
// and another one takes its place. The operation "ready", without a key, asks
// whether the node takes part in a working cluster. When its input ends, the
// program ends. What it writes to standard error is quoted if it fails. The folder
// example has such a program, with a scenario.
package exec

import (
	"context"
	"errors"
	"fmt"

	"github.com/shakedown-dev/shakedown/history"
	"github.com/shakedown-dev/shakedown/runner/client"
	"github.com/shakedown-dev/shakedown/scenarios"
)

// A System starts the program for each client. It is safe for use by many
// goroutines.
type System struct {
	argv     []string
	folder   string
	workload scenarios.Workload
}

var _ client.System = (*System)(nil)

// New returns the system whose client is the program that c names.
func New(c scenarios.Client, w scenarios.Workload) *System {
	return &System{argv: c.Command, folder: c.Folder, workload: w}
}

// Open starts the program for n.
func (s *System) Open(_ context.Context, n client.Node) (client.Client, error) {
	p, err := s.begin(n)
	if err != nil {
		return nil, err
	}
	return &program{process: p, again: func() (*process, error) { return s.begin(n) }, timeout: s.workload.Timeout}, nil
}

// begin starts a process of the program, and tells it which node is its own.
func (s *System) begin(n client.Node) (*process, error) {
	p, err := start(s.argv, s.folder)
	if err != nil {
		return nil, err
	}
	var hello greeting
	hello.Open.Node = node{n.Name, n.IP, n.Ports}
	hello.Open.Workload = s.workload.Use
	if err := p.tell(hello); err != nil {
		return nil, errors.Join(fmt.Errorf("open a client of %s: %w", n.Name, err), p.close())
	}
	return p, nil
}

// Ready asks the program whether n is.
func (s *System) Ready(ctx context.Context, n client.Node) error {
	c, err := s.Open(ctx, n)
	if err != nil {
		return err
	}
	got := c.Invoke(ctx, history.Op{F: "ready"})
	err = c.Close()
	if got.Type != history.OK {
		return fmt.Errorf("node %s is not ready: %s", n.Name, got.Error)
	}
	return err
}

// A greeting is the first line that the program reads.
type greeting struct {
	Open struct {
		Node     node   `json:"node"`
		Workload string `json:"workload"`
	} `json:"open"`
}

type node struct {
	Name  string         `json:"name"`
	IP    string         `json:"ip"`
	Ports map[string]int `json:"ports"`
}
