//go:build linux

package netem

import (
	"errors"
	"fmt"
	"net/netip"
	"syscall"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

const (
	// major is that of the handle of our root, by which it is known.
	major = 0x7700
	// leaves is added to the number of a class for the major of its netem.
	leaves = 0x7800
	// most is how many classes there may be.
	most = 0x7ff
	// endless is more bits a second than anybody sends: a class has to have a
	// rate, and shall not limit anything. It is as much as 32 bits of bytes hold.
	endless = 34_000_000_000
	// turn is how many bytes a class sends before the next one may.
	turn = 256 << 10
	// room is how many packets a netem holds.
	room = 1 << 18
	// hurry is the deadline of each message to the kernel.
	hurry = 5 * time.Second
)

// A class is where the packets to one address go.
type class struct {
	link  int // index of the interface
	minor uint16
	shape Shape
}

// id is what a packet's priority is to get into the class.
func (c class) id() uint32 { return netlink.MakeHandle(major, c.minor) }

func (c class) leaf() uint32 { return netlink.MakeHandle(leaves+c.minor, 0) }

// root describes our root. What is in no class passes at once.
func root(link int) *netlink.Htb {
	return netlink.NewHtb(netlink.QdiscAttrs{
		LinkIndex: link, Handle: netlink.MakeHandle(major, 0), Parent: netlink.HANDLE_ROOT,
	})
}

// branch describes the class itself.
func (c class) branch() *netlink.HtbClass {
	return netlink.NewHtbClass(
		netlink.ClassAttrs{LinkIndex: c.link, Parent: netlink.MakeHandle(major, 0), Handle: c.id()},
		netlink.HtbClassAttrs{Rate: endless, Ceil: endless, Quantum: turn})
}

// netem describes what is at the end of the class.
func (c class) netem() netlink.Qdisc {
	n := netlink.NewNetem(
		netlink.QdiscAttrs{LinkIndex: c.link, Handle: c.leaf(), Parent: c.id()},
		netlink.NetemQdiscAttrs{
			Latency:     uint32(c.shape.Delay.Microseconds()),
			Loss:        float32(c.shape.Loss * 100),
			ReorderProb: float32(c.shape.Reorder * 100),
			Limit:       room,
		})
	// Shares are of the whole 32 bits; the library goes by way of percents that
	// are not exact, and of which 100 may be too many.
	n.Loss, n.ReorderProb = share(c.shape.Loss), share(c.shape.Reorder)
	return n
}

func share(s float64) uint32 { return uint32(min(max(s, 0), 1) * (1<<32 - 1)) }

// speak opens a socket to the queueing disciplines of a network namespace.
func speak(ns int, f func(*netlink.Handle) error) error {
	h, err := netlink.NewHandleAt(netns.NsHandle(ns), unix.NETLINK_ROUTE)
	if err != nil {
		return fmt.Errorf("open a netlink socket: %w", err)
	}
	defer h.Close()
	if err := h.SetSocketTimeout(hurry); err != nil {
		return fmt.Errorf("set a deadline: %w", err)
	}
	return f(h)
}

// towards is the interface by which an address is reached.
func towards(h *netlink.Handle, to netip.Addr) (int, error) {
	routes, err := h.RouteGet(to.AsSlice())
	if err != nil {
		return 0, fmt.Errorf("look up the way to %v: %w", to, err)
	}
	for _, r := range routes {
		if r.Type == unix.RTN_UNICAST {
			return r.LinkIndex, nil
		}
	}
	return 0, fmt.Errorf("%v is on no other host", to)
}

// ours reports whether a queueing discipline is a root that we made.
func ours(q netlink.Qdisc) bool {
	a := q.Attrs()
	return a.Parent == netlink.HANDLE_ROOT && a.Handle == netlink.MakeHandle(major, 0) && q.Type() == "htb"
}

// gone reports whether there was nothing to delete.
func gone(err error) bool {
	return errors.Is(err, syscall.ENOENT) || errors.Is(err, syscall.ENODEV) || errors.Is(err, syscall.EINVAL)
}
