package agent

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/shakedown-dev/shakedown/nemesis/agent/hostclock"
)

// A hostClock is the clock of the host itself, which is left alone unless a
// hello has allowed it.
type hostClock struct {
	mu      sync.Mutex
	allowed bool
	keeper  *hostclock.Keeper
	by      string // the fault that has set it; empty for none
	shows   Clock
}

// allow takes in a hello. A clock that an agent left wrong which was killed is
// set right at once.
func (c *hostClock) allow(r Request) error {
	if !r.HostClock {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.allowed = true
	_, err := c.keeper.Recover()
	return err
}

// set sets the clock wrong for a fault.
func (c *hostClock) set(id string, shows Clock) (Reply, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case !c.allowed:
		return Reply{}, errors.New("the host's own clock is not ours to set: the scenario does not say allow_host_clock")
	case c.by != "" && c.by != id:
		return Reply{}, fmt.Errorf("the host's own clock is set by %s already", c.by)
	case shows.Period != 0 || shows.Rate != 0 || len(shows.Clocks) > 0:
		return Reply{}, errors.New("the host's own clock can be off, and nothing else")
	case shows.Offset < -mostOff || shows.Offset > mostOff:
		return Reply{}, fmt.Errorf("an offset of %v is too much", shows.Offset)
	}
	begin := time.Now()
	if err := c.keeper.Set(shows.Offset); err != nil {
		return Reply{}, err
	}
	c.by, c.shows = id, shows
	reply, err := c.reply()
	reply.Took = time.Since(begin)
	return reply, err
}

// reply says what the clock reads as.
func (c *hostClock) reply() (Reply, error) {
	off, err := c.keeper.Off()
	if err != nil {
		return Reply{}, err
	}
	shows := c.shows
	return Reply{Clock: &shows, Number: int64(off),
		Evidence: fmt.Sprintf("the host's own clock is off by %v, by what has passed since boot; who keeps it stands still", off)}, nil
}

// holds reports whether a fault has set it.
func (c *hostClock) holds(id string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.by != "" && c.by == id
}

// read answers with the clock as it is.
func (c *hostClock) read() (Reply, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.reply()
}

// restore sets it right, and reports whether it was wrong.
func (c *hostClock) restore() (was bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	was = c.keeper.Wrong()
	if err := c.keeper.Restore(); err != nil {
		return was, err
	}
	c.by, c.shows = "", Clock{}
	return was, nil
}

// reset takes back what a fault did.
func (c *hostClock) reset() (Reply, error) {
	if _, err := c.restore(); err != nil {
		return Reply{}, err
	}
	return Reply{Evidence: "the host's own clock is right again, and who keeps it goes on"}, nil
}
