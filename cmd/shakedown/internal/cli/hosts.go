package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"

	"github.com/shakedown-dev/shakedown/cmd/shakedown/internal/store"
	"github.com/shakedown-dev/shakedown/docker"
	"github.com/shakedown-dev/shakedown/runner"
	"github.com/shakedown-dev/shakedown/runner/ssh"
	"github.com/shakedown-dev/shakedown/scenarios"
)

// onHosts tells whether a scenario's nodes are hosts and no containers.
func onHosts(s *scenarios.Scenario) bool { return len(s.System.Hosts) > 0 }

// agentVariable names a static linux binary of this program for the hosts.
const agentVariable = "SHAKEDOWN_AGENT"

// hostsOf is the cluster of hosts that a plan wants.
func (v *voyage) hostsOf(ctx context.Context, say func(string)) (ssh.Spec, error) {
	s, err := hostsSpec(ctx, v.folder.ID(), v.plan)
	if err != nil {
		return s, err
	}
	if s.Agent, err = v.root.agentForHosts(); err != nil {
		return s, err
	}
	if err := ssh.Greet(ctx, s); err != nil { // before anybody waits for a build
		return s, err
	}
	if b := v.plan.Scenario.System.Build; b != nil {
		build, err := buildOf(b, v.root.env.Catalog.Images)
		if err != nil {
			return s, err
		}
		if s.Control.Binary, err = docker.Program(ctx, build, runtime.GOARCH, say); err != nil {
			return s, err
		}
	}
	s.Warn = func(text string) { v.root.watch.Event(runner.Event{Kind: "warn", Text: text}) }
	return s, nil
}

// hostsSpec is the cluster of hosts of a plan, without the programs that are
// put there: enough to sweep it.
func hostsSpec(ctx context.Context, run string, p *runner.Plan) (ssh.Spec, error) {
	sys := p.Scenario.System
	s := ssh.Spec{Run: run, FaultyDisk: p.HurtsDisks(), HostClock: sys.AllowHostClock}
	var ips []string
	for i, h := range sys.Hosts {
		m, err := memberOf(ctx, p.Nodes[i], h, sys.SSH)
		if err != nil {
			return s, environment(err, "")
		}
		s.Members, ips = append(s.Members, m), append(ips, m.Address)
	}
	s.Control = ssh.Control{Command: sys.Command, Env: sys.Env}
	if c := sys.Control; c != nil {
		s.Control.Unit, s.Control.Start, s.Control.Stop, s.Control.Pid = c.Unit, c.Start, c.Stop, c.Pid
		s.Control.Prepare, s.Control.Logs = c.Prepare, c.Logs
	}
	s.Control.Fill = func(i int, data, text string) string {
		return docker.Fill(text, i, p.Nodes, ips, sys.Peers, data)
	}
	return s, nil
}

// memberOf is a node on its host, as the scenario and ssh's own configuration
// describe it.
func memberOf(ctx context.Context, node string, h scenarios.Host, o *scenarios.SSH) (ssh.Member, error) {
	host, err := sshHost(h.SSH, o, ssh.Host{})
	if err != nil {
		return ssh.Member{}, err
	}
	address, err := ipOf(ctx, cmp.Or(h.Address, host.Address))
	if err != nil {
		return ssh.Member{}, fmt.Errorf("find the address of node %s: %w", node, err)
	}
	return ssh.Member{Node: node, Host: host, Address: address}, nil
}

// sshHost is a host as over, the scenario and ssh's own configuration describe
// it, in this order.
func sshHost(name string, o *scenarios.SSH, over ssh.Host) (ssh.Host, error) {
	if o == nil {
		o = &scenarios.SSH{}
	}
	config, err := ssh.ReadConfig(o.Config)
	if err != nil {
		return ssh.Host{}, err
	}
	over.User, over.Port = cmp.Or(over.User, o.User), cmp.Or(over.Port, o.Port)
	if o.Identity != "" {
		over.Identities = []string{config.Expand(o.Identity)}
	}
	if o.KnownHosts != "" {
		over.KnownHosts = []string{config.Expand(o.KnownHosts)}
	}
	return config.HostBehind(name, o.Jump, over)
}

// ipOf looks a name up, unless it is an address.
func ipOf(ctx context.Context, name string) (string, error) {
	if net.ParseIP(name) != nil {
		return name, nil
	}
	found, err := net.DefaultResolver.LookupIP(ctx, "ip", name)
	if err != nil {
		return "", err
	}
	return found[0].String(), nil
}

// agentForHosts is this program, as hosts are to run it.
func (r *root) agentForHosts() ([]byte, error) {
	name := r.env.Getenv(agentVariable)
	if name == "" {
		if runtime.GOOS != "linux" {
			return nil, environment(fmt.Errorf("find a linux binary of this program: this one is for %s", runtime.GOOS),
				"build one with CGO_ENABLED=0 GOOS=linux go build -o shakedown-linux ./cmd/shakedown, and set "+agentVariable+" to it")
		}
		name = "/proc/self/exe"
	}
	program, err := os.ReadFile(name)
	if err != nil {
		return nil, environment(fmt.Errorf("read the program for the hosts: %w", err), "")
	}
	return program, nil
}

// sweepElsewhere takes away what dead runs left on hosts, and on engines that
// their scenarios name: of the run that is named, or of all that nobody has
// cleaned up after. It goes on to the next run when one cannot be swept.
func (r *root) sweepElsewhere(ctx context.Context, dead []store.Leftovers, o docker.SweepOptions) ([]docker.Swept, error) {
	var swept []docker.Swept
	var errs []error
	for _, l := range dead {
		f := l.Folder
		if o.Run != "" && o.Run != f.ID() {
			continue
		}
		p, err := planOf(f)
		if err != nil || !elsewhere(p.Scenario) {
			continue // a run that was killed before it had a plan has started nothing
		}
		var some []docker.Swept
		if onEngines(p.Scenario) {
			some, err = r.sweepEngines(ctx, f.ID(), p, o)
		} else {
			some, err = r.sweepHosts(ctx, f.ID(), p, o.DryRun)
		}
		swept = append(swept, some...)
		if err == nil && !o.DryRun {
			err = l.Settle("clean")
		}
		if err != nil {
			errs = append(errs, environment(err, hintOf(err)))
		}
	}
	return swept, errors.Join(errs...)
}

// sweepHosts takes away what a run left on its hosts.
func (r *root) sweepHosts(ctx context.Context, run string, p *runner.Plan, dry bool) ([]docker.Swept, error) {
	s, err := hostsSpec(ctx, run, p)
	if err != nil {
		return nil, err
	}
	if s.Agent, err = r.agentForHosts(); err != nil {
		return nil, err
	}
	was, err := ssh.Sweep(ctx, s, dry)
	var swept []docker.Swept
	for _, text := range was {
		swept = append(swept, docker.Swept{Kind: "host", Name: text, Run: run})
	}
	return swept, err
}

// planOf reads the plan of a run, without the operations of its clients.
func planOf(f *store.Folder) (*runner.Plan, error) {
	text, err := f.Open(store.PlanFile)
	if err != nil {
		return nil, fmt.Errorf("read run %s: %w", f.ID(), err)
	}
	defer text.Close()
	p, err := runner.DecodeOutline(text)
	if err != nil {
		return nil, fmt.Errorf("run %s, plan.json: %w", f.ID(), err)
	}
	return p, nil
}
