//go:build linux

package tcp

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// What of linux/sock_diag.h and linux/inet_diag.h we speak.
const (
	sockDiagByFamily = 20
	sockDestroy      = 21

	requestSize = 56 // struct inet_diag_req_v2
	messageSize = 72 // struct inet_diag_msg
	idSize      = 48 // struct inet_diag_sockid

	established = 1
	closeWait   = 8
)

// hurry is the deadline of one conversation with the kernel when the caller
// sets none.
const hurry = 5 * time.Second

// A socket is one end of a connection.
type socket struct {
	family    byte
	near, far netip.AddrPort
	identity  [idSize]byte // as the kernel told it, with its cookie
}

// connections lists the ends of established connections of TCP in a network
// namespace.
func connections(c *netlink.Conn) ([]socket, error) {
	var all []socket
	for _, family := range []byte{unix.AF_INET, unix.AF_INET6} {
		request := make([]byte, requestSize)
		request[0], request[1] = family, unix.IPPROTO_TCP
		binary.NativeEndian.PutUint32(request[4:], 1<<established|1<<closeWait)
		messages, err := c.Execute(netlink.Message{
			Header: netlink.Header{Type: sockDiagByFamily, Flags: netlink.Request | netlink.Dump},
			Data:   request,
		})
		if err != nil {
			return nil, fmt.Errorf("list connections: %w", hint(err))
		}
		for _, m := range messages {
			if s, ok := parse(m.Data); ok {
				all = append(all, s)
			}
		}
	}
	return all, nil
}

// parse reads a struct inet_diag_msg.
func parse(b []byte) (socket, bool) {
	if len(b) < messageSize {
		return socket{}, false
	}
	s := socket{family: b[0], identity: [idSize]byte(b[4:])}
	id := s.identity[:]
	address := func(b []byte) netip.Addr {
		if s.family == unix.AF_INET {
			return netip.AddrFrom4([4]byte(b))
		}
		return netip.AddrFrom16([16]byte(b)).Unmap()
	}
	s.near = netip.AddrPortFrom(address(id[4:]), binary.BigEndian.Uint16(id))
	s.far = netip.AddrPortFrom(address(id[20:]), binary.BigEndian.Uint16(id[2:]))
	return s, true
}

// destroy aborts an end of a connection; done is false if it has just ended
// by itself.
func destroy(c *netlink.Conn, s socket) (done bool, err error) {
	request := make([]byte, 8, requestSize)
	request[0], request[1] = s.family, unix.IPPROTO_TCP
	binary.NativeEndian.PutUint32(request[4:], 1<<established|1<<closeWait)
	_, err = c.Execute(netlink.Message{
		Header: netlink.Header{Type: sockDestroy, Flags: netlink.Request | netlink.Acknowledge},
		Data:   append(request, s.identity[:]...),
	})
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ESTALE) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("abort the connection from %v to %v: %w", s.near, s.far, hint(err))
	}
	return true, nil
}

// hint says what may be missing where the kernel does not.
func hint(err error) error {
	switch {
	case errors.Is(err, unix.EPERM):
		return fmt.Errorf("%w (CAP_NET_ADMIN is needed)", err)
	case errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.ENOENT), errors.Is(err, unix.EINVAL):
		return fmt.Errorf("%w (does this kernel have CONFIG_INET_DIAG and CONFIG_INET_DIAG_DESTROY?)", err)
	}
	return err
}

// talk opens a socket to the socket diagnosis of a network namespace for f,
// with a deadline.
func talk(ctx context.Context, netns int, f func(*netlink.Conn) error) error {
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = time.Now().Add(hurry)
	}
	c, err := netlink.Dial(unix.NETLINK_SOCK_DIAG, &netlink.Config{NetNS: netns})
	if err != nil {
		return fmt.Errorf("open a netlink socket: %w", err)
	}
	if err := c.SetDeadline(deadline); err != nil {
		return errors.Join(err, c.Close())
	}
	return errors.Join(f(c), c.Close())
}
