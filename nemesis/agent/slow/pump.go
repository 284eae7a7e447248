//go:build linux

package slow

import (
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// A pump takes packets from a queue and lets them go when they are due. It is
// one goroutine on a thread of its own, so that it sleeps as exactly as the
// kernel can.
type pump struct {
	queue *queue
	began time.Time
	bell  int // an eventfd that wakes it up
	done  chan struct{}
	err   error // why it ended by itself; read it after done

	mu      sync.Mutex
	fd      int // of the queue, once it runs
	links   map[netip.Addr]*link
	held    held
	late    time.Duration // the most that a packet was let go after its time
	seen    uint64        // packets that came
	changed bool          // links on which nothing acts any more may hold packets
	stop    bool
}

// startPump starts to take packets from the queue, which it closes in the end.
func startPump(q *queue) (*pump, error) {
	bell, err := unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("make an eventfd: %w", err)
	}
	p := &pump{queue: q, began: time.Now(), bell: bell, done: make(chan struct{}), links: map[netip.Addr]*link{}}
	raw, err := q.conn.SyscallConn()
	if err != nil {
		return nil, errors.Join(err, unix.Close(bell))
	}
	go func() {
		defer close(p.done)
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := raw.Control(func(fd uintptr) { p.err = p.run(int(fd)) })
		p.err = errors.Join(p.err, err)
	}()
	return p, nil
}

// end lets everything go and closes the queue.
func (p *pump) end() error {
	p.mu.Lock()
	p.stop = true
	clear(p.links)
	p.mu.Unlock()
	err := p.ring()
	<-p.done
	return errors.Join(err, p.err, p.queue.conn.Close(), unix.Close(p.bell))
}

func (p *pump) ring() error {
	_, err := unix.Write(p.bell, []byte{1, 0, 0, 0, 0, 0, 0, 0})
	if errors.Is(err, unix.EAGAIN) {
		return nil // It rings already.
	}
	return err
}

// now is on a clock that begins with the pump.
func (p *pump) now() int64 { return int64(time.Since(p.began)) }

func (p *pump) run(fd int) error {
	p.mu.Lock()
	p.fd = fd
	p.mu.Unlock()
	polled := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}, {Fd: int32(p.bell), Events: unix.POLLIN}}
	for {
		wait, last := p.turn(fd)
		if last {
			return nil
		}
		var until *unix.Timespec
		if wait >= 0 {
			t := unix.NsecToTimespec(wait)
			until = &t
		}
		if _, err := unix.Ppoll(polled, until, nil); err != nil && !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("wait for packets: %w", err)
		}
		if polled[1].Revents != 0 {
			_, _ = unix.Read(p.bell, make([]byte, 8)) // It only has to be silent again.
		}
	}
}

// turn takes what has come and lets go what is due. It returns how long there
// is nothing to do, or that it was the last.
func (p *pump) turn(fd int) (wait int64, last bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stop {
		p.drain(fd)
		return 0, true
	}
	if p.changed {
		p.held.release(p.now())
		p.changed = false
	}
	for range batch { // and no more, so that what is due is not kept waiting
		id, from, more, ok := p.queue.receive(fd)
		if ok {
			p.take(fd, id, from)
		}
		if !more {
			break
		}
	}
	for now := p.now(); ; {
		next, ok := p.held.next(now)
		if !ok {
			break
		}
		p.late = max(p.late, time.Duration(now-next.due))
		next.link.held(next.came, now)
		p.queue.judge(fd, next.id, verdictAccept)
	}
	p.queue.flush(fd)
	return p.held.wait(p.now()), false
}

// take decides about a packet that has come.
func (p *pump) take(fd int, id uint32, from netip.Addr) {
	p.seen++
	l := p.links[from]
	if l == nil { // Its fault has just been taken back.
		p.queue.judge(fd, id, verdictAccept)
		return
	}
	now := p.now()
	due, lost := l.pass(now)
	switch {
	case lost:
		p.queue.judge(fd, id, verdictDrop)
	case due <= now:
		p.queue.judge(fd, id, verdictAccept)
	default:
		p.held.add(packet{id: id, came: now, due: due, link: l})
	}
}

// letGo lets everything go, in order, at once.
func (p *pump) letGo() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fd > 0 && !p.stop {
		p.drain(p.fd)
	}
}

// drain lets everything go, in order.
func (p *pump) drain(fd int) {
	for {
		next, ok := p.held.next(1<<63 - 1)
		if !ok {
			break
		}
		p.queue.judge(fd, next.id, verdictAccept)
	}
	for more := true; more; {
		var id uint32
		var ok bool
		if id, _, more, ok = p.queue.receive(fd); ok {
			p.queue.judge(fd, id, verdictAccept)
		}
	}
	p.queue.flush(fd)
}

// swap changes what acts on which sender.
func (p *pump) swap(links map[netip.Addr]*link) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for from, old := range p.links {
		if l := links[from]; l != nil {
			old.effects = l.effects // It keeps its place in the order.
			links[from] = old
			continue
		}
		old.effects = nil
		p.changed = true
	}
	p.links = links
	_ = p.ring() // At worst it looks a little later.
}
