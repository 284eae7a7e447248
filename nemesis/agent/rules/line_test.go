//go:build linux

package rules

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/nftables"
)

// A line stays open, but not over an error, after which there may be answers
// that nobody has read.
func TestLine(t *testing.T) {
	line := NewLine(newLane(t, true).line.netns)
	list := func(c *nftables.Conn) error {
		_, err := c.ListTables()
		return err
	}
	if err := line.Talk(t.Context(), list); err != nil {
		t.Fatal(err)
	}
	first := line.conn
	if err := line.Talk(t.Context(), list); err != nil || line.conn != first {
		t.Errorf("the second conversation was by another socket: %v", err)
	}
	fails := errors.New("no")
	if err := line.Talk(t.Context(), func(*nftables.Conn) error { return fails }); !errors.Is(err, fails) || line.conn != nil {
		t.Errorf("after an error it is still open: %v", err)
	}
	late, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	for range 2 { // by a new socket, and by one that was open
		if err := line.Talk(late, list); err == nil {
			t.Error("a conversation took place after its deadline")
		}
		if err := line.Talk(t.Context(), list); err != nil {
			t.Error(err)
		}
	}
	if err := errors.Join(line.Close(), line.Close()); err != nil {
		t.Error(err)
	}
}
