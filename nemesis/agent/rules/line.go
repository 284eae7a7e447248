//go:build linux

package rules

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/nftables"
	"github.com/mdlayher/netlink"
)

// hurry is the deadline of one conversation with the kernel when the caller
// sets none.
const hurry = 5 * time.Second

// sendBuffer is room for the largest transaction.
const sendBuffer = 4 << 20

// A Line is a socket to the nftables of one network namespace, which is opened
// when it is needed and stays open: to close one takes until the kernel has
// cleaned up after all transactions, many milliseconds. While it is open the
// namespace stays. It is not safe for concurrent use.
type Line struct {
	netns  int
	conn   *nftables.Conn
	socket *netlink.Conn
}

// NewLine returns a Line to the network namespace with that file descriptor (0:
// the one that we are in), which is not open yet.
func NewLine(netns int) *Line { return &Line{netns: netns} }

// Talk has a conversation with a deadline: that of ctx, or a few seconds. After
// an error it is hung up, since there may be answers left over.
func (l *Line) Talk(ctx context.Context, f func(*nftables.Conn) error) error {
	if err := l.open(ctx); err != nil {
		return errors.Join(err, l.Close())
	}
	if err := f(l.conn); err != nil {
		return errors.Join(err, l.Close())
	}
	return nil
}

func (l *Line) open(ctx context.Context) error {
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = time.Now().Add(hurry)
	}
	if l.conn != nil {
		return l.socket.SetDeadline(deadline)
	}
	c, err := nftables.New(nftables.WithNetNSFd(l.netns), nftables.AsLasting(),
		nftables.WithSockOptions(func(c *netlink.Conn) error {
			l.socket = c
			return errors.Join(c.SetDeadline(deadline), c.SetWriteBuffer(sendBuffer))
		}))
	if err != nil {
		return fmt.Errorf("open a netlink socket: %w", err)
	}
	l.conn = c
	return nil
}

// Close hangs up, if need be.
func (l *Line) Close() error {
	if l.conn == nil {
		return nil
	}
	err := l.conn.CloseLasting()
	l.conn, l.socket = nil, nil
	return err
}

// Talk has one conversation with the nftables of a network namespace (0: the
// one that we are in), and hangs up.
func Talk(ctx context.Context, netns int, f func(*nftables.Conn) error) error {
	l := NewLine(netns)
	return errors.Join(l.Talk(ctx, f), l.Close())
}
