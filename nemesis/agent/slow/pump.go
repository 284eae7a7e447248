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

	"github.com/shakedown-dev/shakedown/nemesis/agent/nfqueue"
)

// batch is how many packets are taken at a time.
const batch = 256

// A pump takes packets from a queue and lets them go when they are due. It is
// one goroutine on a thread of its own, so that it sleeps as exactly as the
// kernel can.
type pump struct {
	queue *nfqueue.Queue
	began time.Time
	bell  int // an eventfd that wakes it up
	done  chan struct{}
	err   error // why it ended by itself; read it after done

	mu      sync.Mutex
	fd      int    // of the queue, once it runs
	again   *again // nil until something is to come twice
	whole   bool   // whole packets are asked for
	links   map[netip.Addr]*link
	held    held
	late    time.Duration // the most that a packet was let go after its time
	seen    uint64        // packets that came
	changed bool          // links on which nothing acts any more may hold packets
	stop    bool
}

// startPump starts to take packets from the queue, which it closes in the end.
func startPump(q *nfqueue.Queue) (*pump, error) {
	bell, err := unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("make an eventfd: %w", err)
	}
	p := &pump{queue: q, began: time.Now(), bell: bell, done: make(chan struct{}), links: map[netip.Addr]*link{}}
	go func() {
		defer close(p.done)
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := q.Control(func(fd int) { p.err = p.run(fd) })
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
	if p.again != nil {
		err = errors.Join(err, p.again.close())
	}
	return errors.Join(err, p.err, p.queue.Close(), unix.Close(p.bell))
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
	p.look()
	if p.changed {
		p.held.release(p.now())
		p.changed = false
	}
	for range batch { // and no more, so that what is due is not kept waiting
		packet, more, ok := p.queue.Receive(fd)
		if ok {
			p.take(fd, packet)
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
		p.letPass(fd, next)
	}
	p.queue.Flush(fd)
	return p.held.wait(p.now()), false
}

// take decides about a packet that has come.
func (p *pump) take(fd int, k nfqueue.Packet) {
	p.seen++
	l := p.links[sender(k.Payload)]
	if l == nil { // Its fault has just been taken back.
		p.queue.Judge(fd, k.ID, nfqueue.Accept)
		return
	}
	now := p.now()
	f := l.pass(now, k.Length)
	if f.lost {
		p.queue.Judge(fd, k.ID, nfqueue.Drop)
		return
	}
	one := packet{id: k.ID, came: now, due: f.due, link: l}
	if f.spoils() && len(k.Payload) == k.Length {
		one.spoiled = spoil(k.Payload, f)
	}
	if f.due <= now {
		p.letPass(fd, one)
		return
	}
	p.held.add(one)
}

// letPass lets a packet go, as it has become.
func (p *pump) letPass(fd int, one packet) {
	s := one.spoiled
	if s == nil || !s.changed {
		p.queue.Judge(fd, one.id, nfqueue.Accept)
	} else {
		p.queue.Replace(fd, one.id, s.contents)
	}
	if s != nil && s.twice != nil && p.again != nil && p.again.send(s.contents) {
		s.twice.Duplicated++
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
		p.letPass(fd, next)
	}
	for more := true; more; {
		var one nfqueue.Packet
		var ok bool
		if one, more, ok = p.queue.Receive(fd); ok {
			p.queue.Judge(fd, one.ID, nfqueue.Accept)
		}
	}
	p.queue.Flush(fd)
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

// look asks for as much of each packet as is needed now.
func (p *pump) look() {
	if whole := hasAny(p.links, Profile.whole); whole != p.whole {
		p.whole = whole
		p.queue.Copy(map[bool]uint32{true: nfqueue.Whole, false: looked}[whole])
	}
}

// hasAny reports whether a fault of any of the links is such.
func hasAny(links map[netip.Addr]*link, such func(Profile) bool) bool {
	for _, l := range links {
		for _, e := range l.effects {
			if such(e.Profile) {
				return true
			}
		}
	}
	return false
}
