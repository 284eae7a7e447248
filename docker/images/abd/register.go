package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// A version is a value with its place in the order of all values of a key:
// first by Counter, then by Node. Counter 0 is "never written".
type version struct {
	Counter uint64 `json:"counter"`
	Node    string `json:"node"`
	Value   string `json:"value"`
}

func (v version) newerThan(o version) bool {
	if v.Counter != o.Counter {
		return v.Counter > o.Counter
	}
	return v.Node > o.Node
}

func (v version) same(o version) bool { return v.Counter == o.Counter && v.Node == o.Node }

var (
	errNoMajority = errors.New("no majority answered in time")
	errMaybe      = errors.New("the write may or may not take effect")
)

// A node is one replica, and the coordinator of the operations that its own
// clients send.
type node struct {
	name    string
	peers   map[string]string // the other nodes: name to URL
	store   *store
	timeout time.Duration
	sloppy  bool
	client  *http.Client
	// late are requests to peers, of which most operations leave some behind.
	late sync.WaitGroup
}

func newNode(name string, all map[string]string, s *store, timeout time.Duration, sloppy bool) (*node, error) {
	if all[name] == "" {
		return nil, fmt.Errorf("this node, %q, is not among the peers", name)
	}
	others := map[string]string{}
	for n, url := range all {
		if n != name {
			others[n] = url
		}
	}
	// The default of two idle connections a peer would open and close many
	// under load.
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	return &node{name: name, peers: others, store: s, timeout: timeout, sloppy: sloppy, client: client}, nil
}

// majority is how many nodes, this one among them, an operation needs.
func (n *node) majority() int { return (len(n.peers)+1)/2 + 1 }

// read asks a majority for its versions and returns the newest. Before it
// answers, it sees to it that a majority has that version: otherwise a later
// read could ask others and go back in time.
func (n *node) read(ctx context.Context, key string) (version, error) {
	if n.sloppy {
		return n.store.get(key), nil
	}
	ctx, cancel := context.WithTimeout(ctx, n.timeout)
	defer cancel()
	seen, err := n.ask(ctx, key)
	if err != nil {
		return version{}, err
	}
	newest, agreed := newestOf(seen)
	if agreed {
		return newest, nil
	}
	return newest, n.spread(ctx, key, newest)
}

// write gives the value a version that is newer than all that a majority has
// seen, and waits until a majority has it.
func (n *node) write(ctx context.Context, key, value string) error {
	ctx, cancel := context.WithTimeout(ctx, n.timeout)
	defer cancel()
	seen, err := n.ask(ctx, key)
	if err != nil {
		return err
	}
	newest, _ := newestOf(seen)
	v, err := n.store.issue(key, n.name, value, newest.Counter)
	if err == nil {
		err = n.spread(ctx, key, v)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errMaybe, err)
	}
	return nil
}

// newestOf returns the newest version, and whether all are the same.
func newestOf(seen []version) (newest version, agreed bool) {
	newest, agreed = seen[0], true
	for _, v := range seen[1:] {
		agreed = agreed && v.same(seen[0])
		if v.newerThan(newest) {
			newest = v
		}
	}
	return newest, agreed
}
