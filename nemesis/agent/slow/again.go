//go:build linux

package slow

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// ourMark is on packets that we send ourselves, so that they are not slowed
// again. It spells "ship", more or less.
const ourMark = 0x5419

// An again sends copies of packets to the node that they came to, from within
// its network. The zero again has no sockets.
type again struct {
	four, six int // sockets
}

// openAgain makes the sockets, in the network namespace with that file
// descriptor.
func openAgain(netns int) (*again, error) {
	a := &again{four: -1, six: -1}
	err := inside(netns, func() (err error) {
		if a.four, err = rawSocket(unix.AF_INET); err != nil {
			return err
		}
		a.six, err = rawSocket(unix.AF_INET6)
		if errors.Is(err, unix.EAFNOSUPPORT) {
			return nil // There is no IPv6 here, then.
		}
		return err
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open a socket to send packets twice: %w (CAP_NET_RAW is needed)", err), a.close())
	}
	return a, nil
}

func rawSocket(family int) (int, error) {
	fd, err := unix.Socket(family, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.IPPROTO_RAW)
	if err != nil {
		return -1, err
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_MARK, ourMark); err != nil {
		return -1, errors.Join(err, unix.Close(fd))
	}
	return fd, nil
}

// send delivers a copy. That it may fail is as if the copy were lost.
func (a *again) send(b []byte) bool {
	switch {
	case len(b) >= 20 && b[0]>>4 == 4:
		return unix.Sendto(a.four, b, 0, &unix.SockaddrInet4{Addr: [4]byte(b[16:20])}) == nil
	case len(b) >= 40 && b[0]>>4 == 6 && a.six >= 0:
		return unix.Sendto(a.six, b, 0, &unix.SockaddrInet6{Addr: [16]byte(b[24:40])}) == nil
	}
	return false
}

func (a *again) close() error {
	var err error
	for _, fd := range []int{a.four, a.six} {
		if fd >= 0 {
			err = errors.Join(err, unix.Close(fd))
		}
	}
	return err
}
