package agent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/shakedown-dev/shakedown/nemesis/agent/cut"
	"github.com/shakedown-dev/shakedown/nemesis/agent/dns"
	"github.com/shakedown-dev/shakedown/nemesis/agent/hostclock"
	"github.com/shakedown-dev/shakedown/nemesis/agent/rules"
	"github.com/shakedown-dev/shakedown/nemesis/agent/slow"
	"github.com/shakedown-dev/shakedown/nemesis/agent/tcp"
)

// Serve answers the requests that it reads from in, one JSON object a line,
// on out, until in ends, ctx is done or out cannot be written to. Then it heals
// everything, within a bounded time, and returns; the error says what it could
// not read, write or heal. It closes in if it has to stop reading early and in
// is an [io.Closer].
//
// It executes no other program, so that it can run in an empty image. It wants
// root with the capabilities NET_ADMIN (partitions), SYS_PTRACE (clocks), KILL,
// DAC_OVERRIDE, SETUID and SETGID (nodes of other users), and for Probe
// SYS_ADMIN; the host's
// pid, network and cgroup namespaces; and /sys/fs/cgroup, writable.
func Serve(ctx context.Context, in io.Reader, out io.Writer) error {
	return newAgent(0).run(ctx, in, out)
}

// An agent is the state behind one conversation: what is wanted of each node.
type agent struct {
	slow  *slow.Network
	tcp   *tcp.Network
	dns   *dns.Network
	netns int // of the bridges, as in package cut

	disks     disks
	hostClock hostClock
	host      bool // our own host is the node; set by a hello, before all else
	apart     bool // nodes are containers that no bridge of this host joins; likewise

	mu    sync.Mutex
	runID string // that this is for, by the hello; empty if it did not say
	net   cutter
	nodes map[string]*node
	said  map[string]bool // complaints that were made already
}

func newAgent(netns int) *agent {
	return &agent{
		net:   cut.New(strconv.Itoa(os.Getpid()), netns),
		slow:  slow.New(rules.TableName(strconv.Itoa(os.Getpid())), cut.Lifetime),
		tcp:   tcp.New(rules.TableName(strconv.Itoa(os.Getpid()))),
		dns:   dns.New(rules.TableName(strconv.Itoa(os.Getpid()))),
		netns: netns,
		nodes: map[string]*node{},
		said:  map[string]bool{},

		hostClock: hostClock{keeper: hostclock.New(hostclock.Linux{}, hostclock.Path)},
	}
}

func (a *agent) run(ctx context.Context, in io.Reader, out io.Writer) error {
	defer surviveBrokenPipes()()
	upkeep, stop := context.WithCancel(context.WithoutCancel(ctx))
	var keepers sync.WaitGroup
	keepers.Go(func() { a.renew(upkeep) })
	keepers.Go(func() { a.reconcile(upkeep) })
	keepers.Go(func() { a.watchMemory(upkeep) })
	err := converse(ctx, a, in, out)
	stop()
	keepers.Wait()
	a.forget()
	return errors.Join(err, a.disks.close())
}

// surviveBrokenPipes makes an answer that nobody reads any more an error, which
// ends the conversation and heals. Otherwise Go ends the program at once when a
// pipe at its standard output is broken, and all would stay in force. What it
// returns takes that back.
func surviveBrokenPipes() (undo func()) {
	never := make(chan os.Signal, 1) // never read: the error of the write says it
	signal.Notify(never, unix.SIGPIPE)
	return func() { signal.Stop(never) }
}

// forget closes what is open of the nodes.
func (a *agent) forget() {
	for _, n := range a.all() {
		n.mu.Lock()
		n.down()
		if n.ns != nil {
			_ = n.ns.Close() // Nothing was written to it that could be lost.
		}
		n.mu.Unlock()
	}
}

// A verb is how one kind of request is done.
type verb struct {
	do    func(context.Context, Request) (Reply, error)
	needs []string // fields that must be filled in
	lanes []string // that it occupies, besides that of its node
	all   bool     // or all of them
}

// network is the lane of everything that changes the rules.
const network = "network"

func (a *agent) verbs() map[string]verb {
	onNet := []string{network}
	return map[string]verb{
		Hello:      {do: a.hello, lanes: onNet},
		Register:   {do: a.register, needs: []string{"node"}, lanes: onNet},
		Cut:        {do: a.cut, needs: []string{"id", "pairs"}, lanes: onNet},
		Mend:       {do: a.mend, needs: []string{"id"}, lanes: onNet},
		Dropped:    {do: a.dropped, needs: []string{"id"}, lanes: onNet},
		Slow:       {do: a.slowDown, needs: []string{"id", "pairs"}, lanes: onNet},
		Hasten:     {do: a.hasten, needs: []string{"id"}, lanes: onNet},
		Slowed:     {do: a.slowed, needs: []string{"id"}},
		RoundTrip:  {do: a.roundTrip, needs: []string{"pairs"}},
		Kill:       {do: a.kill, needs: []string{"node"}},
		Stop:       {do: a.stop, needs: []string{"id", "node"}},
		Stopped:    {do: a.stopped, needs: []string{"id", "node"}},
		Processes:  {do: a.processes, needs: []string{"node"}},
		Freeze:     {do: a.freeze, needs: []string{"id", "node"}},
		Frozen:     {do: a.isFrozen, needs: []string{"id", "node"}},
		Limit:      {do: a.limit, needs: []string{"id", "node", "limits"}},
		Limited:    {do: a.limited, needs: []string{"id", "node"}},
		Unlimit:    {do: a.unlimit, needs: []string{"id", "node"}},
		Thaw:       {do: a.thaw, needs: []string{"id", "node"}},
		SetClock:   {do: a.setClock, needs: []string{"id", "node", "clock"}},
		ResetClock: {do: a.resetClock, needs: []string{"id", "node"}},
		ReadClock:  {do: a.readClock, needs: []string{"node"}},
		Heal:       {do: a.healAll, all: true},
		Probe:      {do: a.probe, lanes: []string{"probe"}},
	}
}

// verb finds how a request is done.
func (a *agent) verb(name string) (verb, bool) {
	for _, some := range []map[string]verb{a.verbs(), a.connectionVerbs(), a.diskVerbs()} {
		if v, ok := some[name]; ok {
			return v, true
		}
	}
	return verb{}, false
}

// lanes implements worker.
func (a *agent) lanes(r Request) ([]string, bool) {
	v, _ := a.verb(r.Do)
	names := slices.Clone(v.lanes)
	if r.Node != "" {
		names = append(names, "node "+r.Node)
	}
	return names, v.all
}

// do implements worker.
func (a *agent) do(ctx context.Context, r Request) (Reply, error) {
	v, ok := a.verb(r.Do)
	if !ok {
		return Reply{}, fmt.Errorf("unknown verb %q", r.Do)
	}
	has := map[string]bool{"id": r.ID != "", "node": r.Node != "", "pairs": len(r.Pairs) > 0, "disk": r.Disk != nil, "clock": r.Clock != nil, "limits": r.Limits != nil, "names": r.Names != nil}
	for _, field := range v.needs {
		if !has[field] {
			return Reply{}, fmt.Errorf("%s needs the field %q", r.Do, field)
		}
	}
	return v.do(ctx, r)
}

// hello introduces the two: the ID, if there is one, is the run's, and names
// what the agent makes in the kernel.
func (a *agent) hello(_ context.Context, r Request) (Reply, error) {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return Reply{}, fmt.Errorf("uname: %w", err)
	}
	if err := errors.Join(a.settleIn(r), a.hostClock.allow(r)); err != nil {
		return Reply{}, err
	}
	if r.ID != "" {
		a.isFor(r.ID)
		name := rules.TableName(r.ID)
		if err := errors.Join(a.cuts().Rename(r.ID), a.slow.Rename(name), a.tcp.Rename(name), a.dns.Rename(name)); err != nil {
			return Reply{}, err
		}
	}
	kernel := unix.ByteSliceToString(u.Release[:])
	machine := unix.ByteSliceToString(u.Machine[:])
	return Reply{Evidence: fmt.Sprintf("agent protocol 1, pid %d, Linux %s %s", os.Getpid(), kernel, machine)}, nil
}

// isFor notes for which run this is.
func (a *agent) isFor(run string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.runID = run
}

// whichRun is the run that this is for; empty if nobody said.
func (a *agent) whichRun() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.runID
}

// A cutter makes partitions: on a bridge or a host, or in every node's network.
type cutter interface {
	Rename(name string) error
	SetAddresses(ctx context.Context, node string, addresses []netip.Addr) error
	Cut(ctx context.Context, id string, pairs [][2]string, ports ...uint16) (cut.Change, error)
	Mend(ctx context.Context, id string) (cut.Change, error)
	Dropped(ctx context.Context, id string) (rules.Count, error)
	Renew(ctx context.Context) error
	Heal(ctx context.Context) (int, error)
}

// settleIn takes in where nodes are, from a hello.
func (a *agent) settleIn(r Request) error {
	if r.Host && !a.host {
		if err := a.cuts().(*cut.Network).OnHost(); err != nil {
			return err
		}
		a.host = true
	}
	if r.Apart && !a.apart {
		if len(a.all()) > 0 {
			return errors.New("nodes are registered already")
		}
		a.mu.Lock()
		defer a.mu.Unlock()
		if a.apart = true; !a.host {
			a.net = cut.NewNodes(strconv.Itoa(os.Getpid()))
		}
	}
	return nil
}

// cuts is who makes partitions.
func (a *agent) cuts() cutter {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.net
}

// healAll is the verb Heal. With the ID "*" it also sweeps the tables of
// agents that are no more, or of others that are, and with the ID of a run that
// run's: for `shakedown clean`.
func (a *agent) healAll(ctx context.Context, r Request) (Reply, error) {
	begin := time.Now()
	was, err := a.takeBack(ctx)
	if r.ID != "" {
		swept, sweepErr := cut.Sweep(ctx, a.netns, r.ID)
		for _, name := range swept {
			was = append(was, "table "+name)
		}
		err = errors.Join(err, sweepErr)
	}
	reply := Reply{Evidence: "there was nothing to heal", Took: time.Since(begin)}
	if len(was) > 0 {
		reply.Evidence = "healed " + strings.Join(was, ", ")
	}
	return reply, err
}

// heal implements worker.
func (a *agent) heal(ctx context.Context) error {
	_, err := a.takeBack(ctx)
	return err
}

// takeBack takes everything back, whatever of it fails, and says what there was.
func (a *agent) takeBack(ctx context.Context) ([]string, error) {
	var was []string
	var err error
	for _, part := range []struct {
		heal      func(context.Context) (int, error)
		one, many string
	}{
		{a.cuts().Heal, "cut", "cuts"},
		{a.slow.Heal, "delay", "delays"},
		{a.tcp.Heal, "refusal of connections", "refusals of connections"},
		{a.dns.Heal, "fault of names", "faults of names"},
	} {
		n, partErr := part.heal(ctx)
		if n > 0 {
			was = append(was, count(n, part.one, part.many))
		}
		err = errors.Join(err, partErr)
	}
	wrong, clockErr := a.hostClock.restore()
	if wrong {
		was = append(was, "the host's own clock")
	}
	err = errors.Join(err, clockErr)
	was = append(was, a.disks.heal()...)
	for _, n := range a.all() {
		some, nodeErr := n.heal(ctx)
		was = append(was, some...)
		err = errors.Join(err, nodeErr)
	}
	return was, err
}

// all are the nodes, by name.
func (a *agent) all() []*node {
	a.mu.Lock()
	defer a.mu.Unlock()
	var nodes []*node
	for _, n := range a.nodes {
		nodes = append(nodes, n)
	}
	slices.SortFunc(nodes, func(x, y *node) int { return strings.Compare(x.name, y.name) })
	return nodes
}

// hold finds a node and locks it. After ctx has ended nothing is begun any
// more: it may be that all is healed already.
func (a *agent) hold(ctx context.Context, name string) (*node, error) {
	a.mu.Lock()
	n := a.nodes[name]
	a.mu.Unlock()
	if n == nil {
		return nil, fmt.Errorf("node %q is not registered", name)
	}
	n.mu.Lock()
	if err := ctx.Err(); err != nil {
		n.mu.Unlock()
		return nil, err
	}
	return n, nil
}

// complain says on the standard error, once, what went wrong when nobody was
// there to be told.
func (a *agent) complain(err error) {
	if err == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if text := err.Error(); !a.said[text] && len(a.said) < 100 {
		a.said[text] = true
		fmt.Fprintln(os.Stderr, "shakedown agent:", text)
	}
}
