package agent

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"

	"github.com/shakedown-dev/shakedown/nemesis/agent/cut"
	"github.com/shakedown-dev/shakedown/nemesis/agent/dns"
	"github.com/shakedown-dev/shakedown/nemesis/agent/playground"
	"github.com/shakedown-dev/shakedown/nemesis/agent/rules"
	"github.com/shakedown-dev/shakedown/nemesis/agent/slow"
	"github.com/shakedown-dev/shakedown/nemesis/agent/tcp"
)

// tryClients cuts a client off from one of two nodes, on one of two ports.
func tryClients(ctx context.Context) (backend, detail string, err error) {
	p, err := playground.New(2)
	if err != nil {
		return "", "", err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	n := cut.New("probe", p.Bridge())
	socks := map[string]*net.UDPConn{}
	for i, node := range []string{"n1", "n2"} {
		if socks[node], err = p.ListenUDP(i, p.Address(i)); err != nil {
			return "", "", err
		}
		defer socks[node].Close()
		if err := n.SetAddresses(ctx, node, []netip.Addr{p.Address(i)}); err != nil {
			return "", "", err
		}
	}
	var client *net.UDPConn
	err = p.InBridge(func() (err error) {
		client, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(p.Host(), 0)))
		return err
	})
	if err != nil {
		return "", "", err
	}
	defer client.Close()
	deadline, _ := ctx.Deadline()
	if err := pass(client, socks["n1"], "before", deadline); err != nil {
		return "", "", err
	}
	port := uint16(socks["n1"].LocalAddr().(*net.UDPAddr).Port)
	if _, err := n.Cut(ctx, "probe", [][2]string{{cut.Clients, "n1"}}, port); err != nil {
		return "", "", err
	}
	if err := loseOne(ctx, n, client, socks["n1"]); err != nil {
		return "", "", err
	}
	for _, way := range [][2]*net.UDPConn{{client, socks["n2"]}, {socks["n2"], socks["n1"]}} {
		if err := pass(way[0], way[1], "beside", deadline); err != nil {
			return "", "", err
		}
	}
	if _, err := n.Heal(ctx); err != nil {
		return "", "", err
	}
	return "", "what a client sent to a port of one node was dropped; to another node, and between nodes, it arrived",
		pass(client, socks["n1"], "after", deadline)
}

// tryConnections resets a connection on a throw-away network, and has another
// refused.
func tryConnections(ctx context.Context) (backend, detail string, err error) {
	p, err := playground.New(2)
	if err != nil {
		return "", "", err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	n := tcp.New(rules.TableName("probe"))
	defer func() {
		_, healed := n.Heal(context.WithoutCancel(ctx))
		err = errors.Join(err, healed)
	}()
	for i, node := range []string{"n1", "n2"} {
		if err := n.Place(ctx, node, p.Endpoint(i), []netip.Addr{p.Address(i)}); err != nil {
			return "", "", err
		}
	}
	var l net.Listener
	err = p.In(1, func() (err error) {
		l, err = net.Listen("tcp", netip.AddrPortFrom(p.Address(1), 0).String())
		return err
	})
	if err != nil {
		return "", "", err
	}
	defer l.Close()
	dial := func() (c net.Conn, err error) {
		err = p.In(0, func() (err error) {
			c, err = net.DialTimeout("tcp", l.Addr().String(), trying)
			return err
		})
		return c, err
	}
	c, err := dial()
	if err != nil {
		return "", "", err
	}
	defer c.Close()
	return "", "on a throw-away network, an established connection was reset, and a new one refused until it was allowed",
		tryTaking(ctx, n, c, dial)
}

func tryTaking(ctx context.Context, n *tcp.Network, c net.Conn, dial func() (net.Conn, error)) error {
	pairs := [][2]string{{"n1", "n2"}}
	if _, err := n.Reset(ctx, pairs, nil); err != nil {
		return err
	}
	if deadline, ok := ctx.Deadline(); ok {
		if err := c.SetReadDeadline(deadline); err != nil {
			return err
		}
	}
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		return fmt.Errorf("a connection that was to be reset: %w", err)
	}
	if _, err := n.Refuse(ctx, "probe", pairs, nil); err != nil {
		return err
	}
	if again, err := dial(); !errors.Is(err, syscall.ECONNREFUSED) {
		if err == nil {
			err = errors.Join(errors.New("it was opened"), again.Close())
		}
		return fmt.Errorf("a connection that was to be refused: %w", err)
	}
	if _, _, err := n.Allow(ctx, "probe"); err != nil {
		return err
	}
	again, err := dial()
	if err != nil {
		return fmt.Errorf("a connection that was allowed again: %w", err)
	}
	return again.Close()
}

// trySpoiling sends a packet twice, and one with a wrong bit, on a throw-away
// network.
func trySpoiling(ctx context.Context) (backend, detail string, err error) {
	p, err := playground.New(2)
	if err != nil {
		return "", "", err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	n := slow.New(rules.TableName("probe"), cut.Lifetime)
	defer func() {
		_, healed := n.Heal(context.WithoutCancel(ctx))
		err = errors.Join(err, healed)
	}()
	var socks [2]*net.UDPConn
	for i, node := range []string{"n1", "n2"} {
		if err := n.Place(ctx, node, p.Endpoint(i), []netip.Addr{p.Address(i)}); err != nil {
			return "", "", err
		}
		if socks[i], err = p.ListenUDP(i, p.Address(i)); err != nil {
			return "", "", err
		}
		defer socks[i].Close()
	}
	if _, err := n.Slow(ctx, "probe", [][2]string{{"n1", "n2"}}, slow.Profile{Duplicate: 1, Tamper: 1}); err != nil {
		return "", "", err
	}
	if _, err := socks[0].WriteTo([]byte("as it was sent"), socks[1].LocalAddr()); err != nil {
		return "", "", err
	}
	deadline, _ := ctx.Deadline()
	for range 2 {
		got := make([]byte, 64)
		if err := socks[1].SetReadDeadline(deadline); err != nil {
			return "", "", err
		}
		size, _, err := socks[1].ReadFrom(got)
		if err != nil || string(got[:size]) == "as it was sent" {
			return "", "", fmt.Errorf("a packet that was to come twice, with a bit wrong, came as %q: %w", got[:size], err)
		}
	}
	return "duplicate, corrupt and tamper, by " + n.Backend() + " and a raw socket", "on a throw-away network, a packet came twice, with a bit wrong", nil
}

// tryNames asks for a name in a throw-away network, in which there is no server
// at all, and is told that there is no such name.
func tryNames(ctx context.Context) (backend, detail string, err error) {
	p, err := playground.New(1)
	if err != nil {
		return "", "", err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	n := dns.New(rules.TableName("probe"))
	defer func() {
		_, healed := n.Heal(context.WithoutCancel(ctx))
		err = errors.Join(err, healed)
	}()
	if err := n.Place(ctx, "n1", p.Endpoint(0)); err != nil {
		return "", "", err
	}
	if _, err := n.Lie(ctx, "probe", []string{"n1"}, dns.Lie{Answer: dns.NXDomain}); err != nil {
		return "", "", err
	}
	backend = n.Backend()
	r := net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (c net.Conn, err error) {
		err = p.In(0, func() (err error) {
			c, err = new(net.Dialer).DialContext(ctx, network, "127.0.0.11:53")
			return err
		})
		return c, err
	}}
	begin := time.Now()
	_, err = r.LookupHost(ctx, "probe.invalid.")
	var failed *net.DNSError
	if !errors.As(err, &failed) || !failed.IsNotFound {
		return backend, "", fmt.Errorf("a question about a name that was to be answered by us: %w", err)
	}
	return backend, fmt.Sprintf("in a throw-away network, a question about a name was answered by us within %v", round(time.Since(begin))), nil
}
