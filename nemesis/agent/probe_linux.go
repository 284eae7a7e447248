package agent

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"sync"
	"time"

	"github.com/shakedown-dev/shakedown/nemesis/agent/cgroup"
	"github.com/shakedown-dev/shakedown/nemesis/agent/cut"
	"github.com/shakedown-dev/shakedown/nemesis/agent/playground"
)

// trying is the deadline of trying one ability.
const trying = 8 * time.Second

func (a *agent) probe(ctx context.Context, r Request) (Reply, error) {
	return Reply{Abilities: Abilities(ctx, r.Apart)}, nil
}

// Abilities tries what each fault needs, for real: it partitions a throw-away
// network, and kills, freezes and skews the clock of throw-away processes,
// which are this program started as `agent-probe-child` (see [ProbeChild]).
// Nothing of it is left behind. The verb [Probe] answers with the same. Where
// nodes are apart, on hosts of their own or on a network of several engines,
// partitions are tried in a node's own network, and not on a bridge.
func Abilities(ctx context.Context, apart bool) []Ability {
	tries := []attemptAt{
		{Ability{Fault: "partition", Backend: "nftables, bridge family",
			Hint: "run as root with CAP_NET_ADMIN and CAP_SYS_ADMIN, on a kernel with CONFIG_NF_TABLES_BRIDGE"}, tryPartition},
		{Ability{Fault: "partition", Backend: "of clients and ports, by nftables, bridge family",
			Hint: "run as root with CAP_NET_ADMIN and CAP_SYS_ADMIN, on a kernel with CONFIG_NF_TABLES_BRIDGE"}, tryClients},
	}
	if apart {
		tries = []attemptAt{{Ability{Fault: "partition", Backend: "nftables, inet family, in the network of the node that receives",
			Hint: "run as root with CAP_NET_ADMIN and CAP_SYS_ADMIN, on a kernel with CONFIG_NF_TABLES_INET"}, tryApart}}
	}
	tries = append(tries, []attemptAt{
		{Ability{Fault: "connections", Backend: "socket diagnosis (reset), nftables that reject (refuse)",
			Hint: "run as root with CAP_NET_ADMIN and CAP_SYS_ADMIN, on a kernel with CONFIG_INET_DIAG_DESTROY, CONFIG_NF_TABLES_INET and CONFIG_NFT_REJECT_INET"}, tryConnections},
		{Ability{Fault: "dns", Backend: "netfilter queue", Hint: queueHint()}, tryNames},
		{Ability{Fault: "latency", Backend: "netfilter queue",
			Hint: queueHint()}, tryLatency},
		{Ability{Fault: "latency", Backend: "duplicate, corrupt and tamper, by a netfilter queue and raw sockets",
			Hint: queueHint() + "; duplicate takes CAP_NET_RAW, too"}, trySpoiling},
	}...)
	tries = append(tries, nodeTries()...)
	all := make([]Ability, len(tries))
	var trying sync.WaitGroup
	for i, t := range tries { // Side by side, since most of it is waiting.
		trying.Go(func() { all[i] = attempt(ctx, t.ability, t.try) })
	}
	trying.Wait()
	return all
}

// queueHint is what a netfilter queue takes.
func queueHint() string {
	return "run as root with CAP_NET_ADMIN and CAP_SYS_ADMIN, on a kernel with CONFIG_NETFILTER_NETLINK_QUEUE, " +
		"and CONFIG_NFT_QUEUE or CONFIG_NETFILTER_XT_TARGET_NFQUEUE with CONFIG_NFT_COMPAT"
}

// attempt fills in what came of a try.
func attempt(ctx context.Context, a Ability, try func(context.Context) (string, string, error)) Ability {
	ctx, cancel := context.WithTimeout(ctx, trying)
	defer cancel()
	_, err := guarded("try "+a.Fault, func() (any, error) {
		backend, detail, err := try(ctx)
		if backend != "" {
			a.Backend = backend
		}
		a.Detail = detail
		return nil, err
	})
	if err != nil {
		a.Detail = err.Error()
		return a
	}
	a.OK, a.Hint = true, ""
	return a
}

// tryPartition cuts one of two directions between two sockets, and sees that
// what is sent that way is dropped and counted, and nothing else.
func tryPartition(ctx context.Context) (backend, detail string, err error) {
	return tryCutIn(ctx, func(p *playground.Playground) (*cut.Network, error) { return cut.New("probe", p.Bridge()), nil })
}

// tryApart is tryPartition in the network of the socket that receives.
func tryApart(ctx context.Context) (backend, detail string, err error) {
	return tryCutIn(ctx, func(p *playground.Playground) (*cut.Network, error) {
		n := cut.New("probe", p.Endpoint(1))
		return n, n.OnHost()
	})
}

func tryCutIn(ctx context.Context, in func(*playground.Playground) (*cut.Network, error)) (backend, detail string, err error) {
	p, err := playground.New(2)
	if err != nil {
		return "", "", err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	n, err := in(p)
	if err != nil {
		return "", "", err
	}
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
	deadline, _ := ctx.Deadline()
	if err := pass(socks["n1"], socks["n2"], "before", deadline); err != nil {
		return "", "", err
	}
	if err := tryCut(ctx, n, socks); err != nil {
		return "", "", err
	}
	return "", "a packet sent during a cut of a throw-away network was dropped, the ones before and after it arrived",
		pass(socks["n1"], socks["n2"], "after", deadline)
}

func tryCut(ctx context.Context, n *cut.Network, socks map[string]*net.UDPConn) error {
	if _, err := n.Cut(ctx, "probe", [][2]string{{"n1", "n2"}}); err != nil {
		return err
	}
	if err := loseOne(ctx, n, socks["n1"], socks["n2"]); err != nil {
		return err
	}
	_, err := n.Heal(ctx)
	return err
}

// loseOne sends a packet that must be dropped by the cut, and waits until it
// is.
func loseOne(ctx context.Context, n *cut.Network, from, to *net.UDPConn) error {
	if _, err := from.WriteTo([]byte("during"), to.LocalAddr()); err != nil {
		return err
	}
	for {
		c, err := n.Dropped(ctx, "probe")
		if err != nil {
			return err
		}
		if c.Packets > 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.New("the rules were taken but a packet that they should drop was not: packets between bridge ports are not filtered here")
		case <-time.After(time.Millisecond):
		}
	}
}

// pass sends a text, which must be the next thing to arrive.
func pass(from, to *net.UDPConn, text string, deadline time.Time) error {
	if _, err := from.WriteTo([]byte(text), to.LocalAddr()); err != nil {
		return err
	}
	if err := to.SetReadDeadline(deadline); err != nil {
		return err
	}
	got := make([]byte, 64)
	n, _, err := to.ReadFrom(got)
	if err != nil {
		return fmt.Errorf("%q did not arrive: %w", text, err)
	}
	if string(got[:n]) != text {
		return fmt.Errorf("%q arrived, which was sent while the way was cut", got[:n])
	}
	return nil
}

// A guineaPig is a throw-away process, the only node of a throw-away agent.
type guineaPig struct {
	*exec.Cmd
	in    io.WriteCloser
	out   *bufio.Scanner
	agent *agent
}

func newGuineaPig(ctx context.Context) (*guineaPig, error) {
	p := &guineaPig{Cmd: exec.CommandContext(ctx, "/proc/self/exe", "agent-probe-child"), agent: newAgent(0)}
	in, err := p.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := p.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.in, p.out = in, bufio.NewScanner(out)
	if err := p.Start(); err != nil {
		return nil, fmt.Errorf("start a process to try it on: %w", err)
	}
	if _, err := p.now(); err != nil { // It is this program, and not an older one, say.
		return nil, errors.Join(err, p.end())
	}
	return p, nil
}

// node asks the agent to do something to the process, which is in force when
// there is no error.
func (p *guineaPig) node(ctx context.Context, r Request) (string, error) {
	if r.Do != Register {
		r.ID = "probe"
	}
	r.Node = "probe"
	reply, err := p.agent.do(ctx, r)
	return reply.Evidence, err
}

func (p *guineaPig) register(ctx context.Context) error {
	_, err := p.node(ctx, Request{Do: Register, Pid: p.Process.Pid})
	return err
}

// now asks the process for the time by its wall clock.
func (p *guineaPig) now() (time.Time, error) {
	if _, err := io.WriteString(p.in, "?\n"); err != nil {
		return time.Time{}, fmt.Errorf("ask a process for the time: %w", err)
	}
	var ns, since int64
	if !p.out.Scan() {
		return time.Time{}, errors.Join(errors.New("a process that was asked for the time has ended"), p.out.Err())
	}
	if _, err := fmt.Sscan(p.out.Text(), &ns, &since); err != nil {
		return time.Time{}, fmt.Errorf("a process that was asked for the time said %q", clip(p.out.Text()))
	}
	return time.Unix(0, ns), nil
}

// end takes back what was done to the process, and ends it.
func (p *guineaPig) end() error {
	ctx, cancel := context.WithTimeout(context.Background(), trying)
	defer cancel()
	err := p.agent.heal(ctx)
	p.agent.forget()
	_ = p.Process.Kill() // It may have ended.
	_ = p.Wait()         // How it ended does not matter.
	return err
}

func tryPause(ctx context.Context) (backend, detail string, err error) {
	p, err := newGuineaPig(ctx)
	if err != nil {
		return "", "", err
	}
	group, err := cgroup.Make(os.Getpid(), cgroup.Freezer, fmt.Sprintf("shakedown-probe-%d", p.Process.Pid))
	if err != nil {
		return "", "", errors.Join(err, p.end())
	}
	defer func() { err = errors.Join(err, p.end(), group.Remove()) }()
	backend = fmt.Sprintf("freezer, cgroup v%d", group.Version)
	if err := errors.Join(group.Add(p.Process.Pid), p.register(ctx)); err != nil {
		return backend, "", err
	}
	detail, err = p.node(ctx, Request{Do: Freeze})
	if err != nil {
		return backend, "", err
	}
	_, err = p.node(ctx, Request{Do: Thaw})
	if err == nil {
		_, err = p.now() // It goes on.
	}
	return backend, "a throw-away process: " + detail + ", then thawed", err
}

func tryClock(ctx context.Context) (backend, detail string, err error) {
	p, err := newGuineaPig(ctx)
	if err != nil {
		return "", "", err
	}
	defer func() { err = errors.Join(err, p.end()) }()
	if err := p.register(ctx); err != nil {
		return "", "", err
	}
	begin := time.Now()
	if _, err := p.node(ctx, Request{Do: SetClock, Clock: &Clock{Offset: time.Hour}}); err != nil {
		return "", "", err
	}
	took := time.Since(begin)
	if err := p.off(time.Hour); err != nil {
		return "", "", err
	}
	if _, err := p.node(ctx, Request{Do: ResetClock}); err != nil {
		return "", "", err
	}
	return "", fmt.Sprintf("a throw-away process said that it was an hour later, %v after it was asked for", round(took)), p.off(0)
}

// off asks the process for the time and insists that it is off by an offset.
func (p *guineaPig) off(offset time.Duration) error {
	wall, err := p.now()
	if err != nil {
		return err
	}
	if is := time.Until(wall).Round(time.Minute); is != offset {
		return fmt.Errorf("a process whose clock was set off by %v said a time that is off by %v", offset, is)
	}
	return nil
}
