//go:build linux

package slow

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// closed is a port on which nobody listens, most likely.
const closed = 1

// patience is how long a round trip may take.
const patience = 25 * time.Second

// RoundTrip measures how long the network takes from a network namespace to an
// address and back. It asks for a connection and takes the refusal for the
// answer, so that the kernel of the other side answers and no process.
func RoundTrip(ctx context.Context, netns int, to netip.Addr) (time.Duration, error) {
	var took time.Duration
	err := inside(netns, func() (err error) {
		took, err = knock(ctx, to)
		return err
	})
	return took, err
}

func knock(ctx context.Context, to netip.Addr) (time.Duration, error) {
	family, address := unix.AF_INET, unix.Sockaddr(&unix.SockaddrInet4{Port: closed, Addr: [4]byte(to.AsSlice())})
	if to.Is6() {
		family, address = unix.AF_INET6, &unix.SockaddrInet6{Port: closed, Addr: to.As16()}
	}
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, fmt.Errorf("make a socket: %w", err)
	}
	defer unix.Close(fd)
	begin := time.Now()
	if err := unix.Connect(fd, address); err == nil || errors.Is(err, unix.ECONNREFUSED) {
		return time.Since(begin), nil
	} else if !errors.Is(err, unix.EINPROGRESS) {
		return 0, fmt.Errorf("send: %w", err)
	}
	for time.Since(begin) < patience && ctx.Err() == nil {
		polled := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}
		if n, err := unix.Poll(polled, 20); n == 0 || err != nil {
			continue
		}
		took := time.Since(begin)
		failed, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
		if err == nil && failed != 0 && failed != int(unix.ECONNREFUSED) {
			err = unix.Errno(failed)
		}
		return took, err
	}
	return 0, fmt.Errorf("no answer in %v", time.Since(begin).Round(time.Millisecond))
}

// inside runs f on a thread that is in a network namespace and that is thrown
// away afterwards.
func inside(netns int, f func() error) error {
	result := make(chan error)
	go func() {
		runtime.LockOSThread() // And never unlocked: the thread ends with the goroutine.
		if unix.Gettid() == unix.Getpid() {
			// The first thread of a process cannot end; hold it, and take another.
			defer runtime.UnlockOSThread()
			result <- inside(netns, f)
			return
		}
		if err := unix.Setns(netns, unix.CLONE_NEWNET); err != nil {
			result <- fmt.Errorf("enter the network namespace: %w (CAP_SYS_ADMIN is needed)", err)
			return
		}
		result <- f()
	}()
	return <-result
}
