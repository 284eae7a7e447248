//go:build linux

package playground

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// A Playground is one bridge and its endpoints. Endpoint i is connected to it
// and has the addresses Address(i) and Address6(i).
type Playground struct {
	bridge    *os.File
	endpoints []*os.File
}

// New makes a bridge with n endpoints, at most 200. It needs CAP_NET_ADMIN and
// CAP_SYS_ADMIN.
func New(n int) (*Playground, error) {
	if n > 200 {
		return nil, fmt.Errorf("a playground of %d endpoints: at most 200", n)
	}
	p := &Playground{}
	if err := p.build(n); err != nil {
		return nil, errors.Join(fmt.Errorf("make a bridge to try things on: %w", err), p.Close())
	}
	return p, nil
}

func (p *Playground) build(n int) error {
	var err error
	if p.bridge, err = newNamespace(); err != nil {
		return err
	}
	if err := addBridge(p.Bridge()); err != nil {
		return err
	}
	for i := range n {
		ns, err := newNamespace()
		if err != nil {
			return err
		}
		p.endpoints = append(p.endpoints, ns)
		if err := addEndpoint(p.Bridge(), int(ns.Fd()), i); err != nil {
			return fmt.Errorf("endpoint %d: %w", i, err)
		}
	}
	return nil
}

// Close lets go of everything; the kernel removes it once no socket of it is
// open any more.
func (p *Playground) Close() error {
	var err error
	for _, ns := range append(p.endpoints, p.bridge) {
		if ns != nil {
			err = errors.Join(err, ns.Close())
		}
	}
	return err
}

// Bridge is a file descriptor of the network namespace that has the bridge,
// good until Close.
func (p *Playground) Bridge() int { return int(p.bridge.Fd()) }

// Endpoint is a file descriptor of the network namespace of endpoint i, good
// until Close.
func (p *Playground) Endpoint(i int) int { return int(p.endpoints[i].Fd()) }

// Address is the IPv4 address of endpoint i.
func (p *Playground) Address(i int) netip.Addr {
	return netip.AddrFrom4([4]byte{10, 99, 0, byte(i + 1)})
}

// Address6 is the IPv6 address of endpoint i.
func (p *Playground) Address6(i int) netip.Addr {
	return netip.AddrFrom16([16]byte{0: 0xfd, 1: 0x99, 15: byte(i + 1)})
}

// Host is the IPv4 address of the bridge's host.
func (p *Playground) Host() netip.Addr { return p.Address(253) }

// Host6 is the IPv6 address of the bridge's host.
func (p *Playground) Host6() netip.Addr { return p.Address6(253) }

// In runs f on a thread that is in endpoint i's network namespace. What f
// opens there stays there; goroutines that it starts are elsewhere.
func (p *Playground) In(i int, f func() error) error {
	return within(p.endpoints[i], f)
}

// InBridge runs f on a thread that is in the bridge's network namespace, as In
// does.
func (p *Playground) InBridge(f func() error) error {
	return within(p.bridge, f)
}

func within(ns *os.File, f func() error) error {
	return aside(func() error {
		if err := unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("enter the network namespace: %w", err)
		}
		return f()
	})
}

// ListenUDP opens a UDP socket on an address of endpoint i, on a port that the
// kernel chooses.
func (p *Playground) ListenUDP(i int, address netip.Addr) (*net.UDPConn, error) {
	var conn *net.UDPConn
	err := p.In(i, func() (err error) {
		conn, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(address, 0)))
		return err
	})
	return conn, err
}

// newNamespace makes an empty network namespace.
func newNamespace() (*os.File, error) {
	var ns *os.File
	err := aside(func() (err error) {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("make a network namespace: %w (CAP_SYS_ADMIN is needed)", err)
		}
		ns, err = os.Open(fmt.Sprintf("/proc/self/task/%d/ns/net", unix.Gettid()))
		return err
	})
	return ns, err
}

// aside runs f on a thread that is thrown away afterwards, since its network
// namespace is not that of the others.
func aside(f func() error) error {
	result := make(chan error)
	go func() {
		runtime.LockOSThread() // And never unlocked: the thread ends with the goroutine.
		if unix.Gettid() == unix.Getpid() {
			// The first thread of a process cannot end; hold it, and take another.
			defer runtime.UnlockOSThread()
			result <- aside(f)
			return
		}
		result <- f()
	}()
	return <-result
}
