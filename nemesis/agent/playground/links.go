//go:build linux

package playground

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// The interfaces get the numbers that we choose, so that nobody has to look
// them up: in the bridge's namespace the bridge and the ports, and in each
// endpoint's the far end of its port.
const (
	loopback      = 1
	bridgeIndex   = 10
	firstPort     = 100
	endpointIndex = 2
)

// Kernel names that x/sys/unix lacks.
const (
	vethInfoPeer = 1    // VETH_INFO_PEER
	noDAD        = 0x02 // IFA_F_NODAD: use the address without asking around first
)

// hurry is the deadline of each conversation with the kernel.
const hurry = 5 * time.Second

func addBridge(ns int) error {
	return inside(ns, func(c *netlink.Conn) error {
		err := newLink(c, bridgeIndex, func(ae *netlink.AttributeEncoder) {
			ae.String(unix.IFLA_IFNAME, "bridge")
			ae.Nested(unix.IFLA_LINKINFO, func(info *netlink.AttributeEncoder) error {
				info.String(unix.IFLA_INFO_KIND, "bridge")
				return nil
			})
		})
		if err != nil {
			return err
		}
		var p Playground
		if err := addAddress(c, bridgeIndex, p.Host(), 24); err != nil {
			return err
		}
		return addAddress(c, bridgeIndex, p.Host6(), 64)
	})
}

// addEndpoint makes a veth pair: one end is a port of the bridge, the other is
// born in the endpoint's namespace.
func addEndpoint(bridge, endpoint, i int) error {
	err := inside(bridge, func(c *netlink.Conn) error {
		return newLink(c, uint32(firstPort+i), func(ae *netlink.AttributeEncoder) {
			ae.String(unix.IFLA_IFNAME, fmt.Sprintf("port%d", i))
			ae.Uint32(unix.IFLA_MASTER, bridgeIndex)
			ae.Nested(unix.IFLA_LINKINFO, func(info *netlink.AttributeEncoder) error {
				info.String(unix.IFLA_INFO_KIND, "veth")
				info.Nested(unix.IFLA_INFO_DATA, func(data *netlink.AttributeEncoder) error {
					data.Do(vethInfoPeer, func() ([]byte, error) { return peer(endpoint) })
					return nil
				})
				return nil
			})
		})
	})
	if err != nil {
		return err
	}
	return inside(endpoint, func(c *netlink.Conn) error {
		var p Playground
		for _, index := range []uint32{loopback, endpointIndex} {
			if err := up(c, index); err != nil {
				return err
			}
		}
		if err := addAddress(c, endpointIndex, p.Address(i), 24); err != nil {
			return err
		}
		return addAddress(c, endpointIndex, p.Address6(i), 64)
	})
}

func peer(ns int) ([]byte, error) {
	ae := netlink.NewAttributeEncoder()
	ae.String(unix.IFLA_IFNAME, "eth0")
	ae.Uint32(unix.IFLA_NET_NS_FD, uint32(ns))
	attributes, err := ae.Encode()
	return append(linkHeader(endpointIndex, 0), attributes...), err
}

// newLink adds an interface of that number and sets it up.
func newLink(c *netlink.Conn, index uint32, describe func(*netlink.AttributeEncoder)) error {
	ae := netlink.NewAttributeEncoder()
	describe(ae)
	attributes, err := ae.Encode()
	if err != nil {
		return err
	}
	return ask(c, unix.RTM_NEWLINK, netlink.Create|netlink.Excl, append(linkHeader(index, unix.IFF_UP), attributes...))
}

func up(c *netlink.Conn, index uint32) error {
	return ask(c, unix.RTM_NEWLINK, 0, linkHeader(index, unix.IFF_UP))
}

// linkHeader is a struct ifinfomsg.
func linkHeader(index, flags uint32) []byte {
	b := make([]byte, unix.SizeofIfInfomsg)
	binary.NativeEndian.PutUint32(b[4:], index)
	binary.NativeEndian.PutUint32(b[8:], flags)
	binary.NativeEndian.PutUint32(b[12:], flags) // which of them to change
	return b
}

func addAddress(c *netlink.Conn, index uint32, address netip.Addr, bits byte) error {
	header := make([]byte, unix.SizeofIfAddrmsg)
	header[0], header[1], header[2] = unix.AF_INET, bits, noDAD
	if address.Is6() {
		header[0] = unix.AF_INET6
	}
	binary.NativeEndian.PutUint32(header[4:], index)
	ae := netlink.NewAttributeEncoder()
	ae.Bytes(unix.IFA_LOCAL, address.AsSlice())
	ae.Bytes(unix.IFA_ADDRESS, address.AsSlice())
	attributes, err := ae.Encode()
	if err != nil {
		return err
	}
	return ask(c, unix.RTM_NEWADDR, netlink.Create|netlink.Excl, append(header, attributes...))
}

func ask(c *netlink.Conn, kind netlink.HeaderType, flags netlink.HeaderFlags, data []byte) error {
	_, err := c.Execute(netlink.Message{
		Header: netlink.Header{Type: kind, Flags: netlink.Request | netlink.Acknowledge | flags},
		Data:   data,
	})
	return err
}

// inside talks to the routing part of the kernel about a network namespace.
func inside(ns int, f func(*netlink.Conn) error) error {
	c, err := netlink.Dial(unix.NETLINK_ROUTE, &netlink.Config{NetNS: ns})
	if err != nil {
		return fmt.Errorf("open a netlink socket: %w", err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(hurry)); err != nil {
		return err
	}
	return f(c)
}
