//go:build linux

package dns

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/google/nftables"
	"golang.org/x/sys/unix"

	"github.com/shakedown-dev/shakedown/nemesis/agent/nfqueue"
	"github.com/shakedown-dev/shakedown/nemesis/agent/rules"
)

// firstQueue is the first queue number that is tried, in the namespace of a
// node, where nobody else is expected to have one.
const firstQueue = 7800

// A station answers the questions of one node, from within its network.
type station struct {
	netns int
	queue *nfqueue.Queue
	table table
	bell  int // an eventfd that ends it
	done  chan struct{}
	err   error // why it ended by itself; read it after done

	mu     sync.Mutex
	faults []*fault
}

// openStation starts to answer questions as the faults say; the first that is
// about a name answers.
func openStation(ctx context.Context, netns int, name string, faults []*fault) (*station, error) {
	q, err := nfqueue.Open(netns, firstQueue, nfqueue.Whole)
	if err != nil {
		return nil, err
	}
	bell, err := unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make an eventfd: %w", err), q.Close())
	}
	s := &station{netns: netns, queue: q, bell: bell, done: make(chan struct{}), faults: faults}
	go func() {
		defer close(s.done)
		err := q.Control(func(fd int) { s.err = s.run(fd) })
		s.err = errors.Join(s.err, err)
	}()
	if s.table, err = install(ctx, netns, name, q.Number); err != nil {
		return nil, errors.Join(err, s.end())
	}
	return s, nil
}

// change changes what acts on the node.
func (s *station) change(faults []*fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = faults
}

// renew gives the rules another lifetime, and makes them again if they have
// gone.
func (s *station) renew(ctx context.Context) error {
	err := rules.Talk(ctx, s.netns, func(c *nftables.Conn) error {
		return errors.Join(s.table.renew(c), c.Flush())
	})
	if errors.Is(err, unix.ENOENT) {
		s.table, err = install(ctx, s.netns, s.table.halves[0].Name, s.queue.Number)
	}
	return err
}

// works reports whether questions are still taken from the queue.
func (s *station) works() bool {
	select {
	case <-s.done:
		return false
	default:
		return true
	}
}

// close removes everything from the kernel. Without tables, for a namespace
// that is no more, they are left to end with it.
func (s *station) close(ctx context.Context, tables bool) error {
	var err error
	if tables {
		err = rules.Talk(ctx, s.netns, s.table.stop)
		err = errors.Join(err, rules.Talk(ctx, s.netns, s.table.delete))
		if errors.Is(err, unix.ENOENT) {
			err = nil
		}
	}
	return errors.Join(err, s.end())
}

// end stops the goroutine and lets go of the queue.
func (s *station) end() error {
	_, err := unix.Write(s.bell, []byte{1, 0, 0, 0, 0, 0, 0, 0})
	<-s.done
	return errors.Join(err, s.err, s.queue.Close(), unix.Close(s.bell))
}

func (s *station) run(fd int) error {
	polled := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}, {Fd: int32(s.bell), Events: unix.POLLIN}}
	for {
		for more := true; more; {
			var p nfqueue.Packet
			var ok bool
			if p, more, ok = s.queue.Receive(fd); ok {
				s.take(fd, p)
			}
		}
		s.queue.Flush(fd)
		if _, err := unix.Poll(polled, -1); err != nil && !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("wait for questions: %w", err)
		}
		if polled[1].Revents != 0 {
			return nil
		}
	}
}

// take decides about one packet. What is no question that we can read, or is
// about another name, goes on.
func (s *station) take(fd int, p nfqueue.Packet) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m, udp := message(p.Payload)
	q, ok := parseQuery(m)
	f := s.concerned(q, ok)
	if f == nil {
		s.queue.Judge(fd, p.ID, nfqueue.Accept)
		return
	}
	answer, err := f.lie.answer(q)
	if err != nil || answer == nil || !udp {
		f.silenced.Add(1)
		s.queue.Judge(fd, p.ID, nfqueue.Drop)
		return
	}
	f.answered.Add(1)
	s.queue.Replace(fd, p.ID, turnRound(p.Payload, answer))
}

// concerned is the first fault that is about what is asked.
func (s *station) concerned(q query, ok bool) *fault {
	for _, f := range s.faults {
		if ok && f.lie.concerns(q.Question) {
			return f
		}
	}
	return nil
}
