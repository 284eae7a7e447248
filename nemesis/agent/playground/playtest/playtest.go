//go:build linux

// Package playtest makes playgrounds for tests, and looks at what is in the
// nftables of a network namespace without any code of ours that is tested.
package playtest

import (
	"os"
	"slices"
	"testing"

	"github.com/google/nftables"

	"github.com/shakedown-dev/shakedown/nemesis/agent/playground"
)

// New makes a playground for the time of a test, which is skipped where that
// takes more rights than there are.
func New(t testing.TB, endpoints int) *playground.Playground {
	t.Helper()
	if os.Getuid() != 0 {
		Skip(t, "needs root: makes network namespaces")
	}
	p, err := playground.New(endpoints)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// Skip skips a test that this host cannot run; where it must be able to, that
// is a failure.
func Skip(t testing.TB, format string, arguments ...any) {
	t.Helper()
	if os.Getenv("SHAKEDOWN_REQUIRE_DOCKER") == "1" {
		t.Fatalf(format, arguments...)
	}
	t.Skipf(format, arguments...)
}

// Tables are the names of all tables of nftables in the network namespace with
// that file descriptor, whoever made them, in order.
func Tables(t testing.TB, netns int) []string {
	t.Helper()
	var names []string
	for _, table := range list(t, netns) {
		names = append(names, table.Name)
	}
	slices.Sort(names)
	return names
}

// DeleteTables deletes all of them, as somebody might.
func DeleteTables(t testing.TB, netns int) {
	t.Helper()
	c := conn(t, netns)
	for _, table := range list(t, netns) {
		c.DelTable(table)
	}
	if err := c.Flush(); err != nil {
		t.Fatal(err)
	}
}

func list(t testing.TB, netns int) []*nftables.Table {
	t.Helper()
	all, err := conn(t, netns).ListTables()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func conn(t testing.TB, netns int) *nftables.Conn {
	t.Helper()
	c, err := nftables.New(nftables.WithNetNSFd(netns))
	if err != nil {
		t.Fatal(err)
	}
	return c
}
