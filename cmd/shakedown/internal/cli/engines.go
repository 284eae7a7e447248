package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/shakedown-dev/shakedown/cmd/shakedown/internal/store"
	"github.com/shakedown-dev/shakedown/docker"
	"github.com/shakedown-dev/shakedown/runner"
	"github.com/shakedown-dev/shakedown/runner/ssh"
	"github.com/shakedown-dev/shakedown/scenarios"
)

// onEngines tells whether a scenario names several engines for its nodes.
func onEngines(s *scenarios.Scenario) bool { return s.System.Docker != nil }

// elsewhere tells whether a scenario does without the engine that docker's own
// settings name.
func elsewhere(s *scenarios.Scenario) bool { return onHosts(s) || onEngines(s) }

// berths opens the engines of a scenario. Those that it returns are to be
// closed, also when there is an error.
func berths(ctx context.Context, s *scenarios.Scenario) ([]docker.Berth, error) {
	var out []docker.Berth
	for _, e := range s.System.Docker.Engines {
		l := docker.Location{URL: e.At, Certificates: e.Certificates}
		if strings.HasPrefix(e.At, "ssh://") {
			dial, err := dialEngine(e.At, s.System.SSH)
			if err != nil {
				return out, environment(fmt.Errorf("reach docker at %s: %w", e.At, err), "")
			}
			l.Dial = dial.dial
		}
		engine, err := docker.OpenAt(ctx, l)
		if err != nil {
			return out, err
		}
		out = append(out, docker.Berth{Engine: engine, Name: e.At, Nodes: e.Nodes, Address: e.Address})
	}
	return out, nil
}

// engineSilence is after how long without a sign of life the way to an engine is
// given up: well before its agent gives us up. For engineRest after it could not
// be made again, nobody else tries.
const (
	engineSilence = 15 * time.Second
	engineRest    = 5 * time.Second
)

// An engineDialer makes connections to an engine over one log-in at its host,
// which is made again when it has broken.
type engineDialer struct {
	host ssh.Host

	mu     sync.Mutex
	conn   *ssh.Connection
	why    error // it could not be made
	failed time.Time
}

func dialEngine(at string, o *scenarios.SSH) (*engineDialer, error) {
	u, err := url.Parse(at)
	if err != nil {
		return nil, err
	}
	over := ssh.Host{User: u.User.Username()}
	if u.Port() != "" {
		if over.Port, err = strconv.Atoi(u.Port()); err != nil {
			return nil, err
		}
	}
	host, err := sshHost(u.Hostname(), o, over)
	return &engineDialer{host: host}, err
}

// dial runs docker's own bridge to the engine on the host. The log-in outlasts
// ctx, which is that of one request.
func (d *engineDialer) dial(ctx context.Context) (net.Conn, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	const bridge = "docker system dial-stdio"
	if d.conn != nil {
		if c, err := d.conn.DialStdio(ctx, bridge); err == nil {
			return c, nil
		}
		_ = d.conn.Close() // It is broken.
		d.conn = nil
	}
	if d.why != nil && time.Since(d.failed) < engineRest {
		return nil, d.why
	}
	conn, err := ssh.Dial(ctx, d.host)
	if err != nil {
		if ctx.Err() == nil { // It was not only that somebody had enough.
			d.why, d.failed = err, time.Now()
		}
		return nil, err
	}
	d.why = nil
	conn.KeepAlive(engineSilence)
	d.conn = conn
	return conn.DialStdio(ctx, bridge)
}

func closeEngines(all []docker.Berth) {
	for _, b := range all {
		_ = b.Engine.Close() // nothing hangs on how it ends
	}
}

// hangUp closes what was opened for this run only.
func (v *voyage) hangUp() { closeEngines(v.engines) }

// prepareEngines starts the nodes on the engines that the scenario names.
func (v *voyage) prepareEngines(ctx context.Context, say func(string)) (runner.Cluster, error) {
	var err error
	if v.engines, err = berths(ctx, v.plan.Scenario); err != nil {
		return nil, err
	}
	var image docker.Image
	var further map[string]string
	for _, b := range v.engines {
		said := func(text string) { say("at " + b.Name + ": " + text) }
		if image, err = imageOf(ctx, b.Engine, v.root.env.Catalog.Images, v.plan, said); err != nil {
			return nil, err
		}
		if further, err = furtherImages(ctx, b.Engine, v.root.env.Catalog.Images, v.plan, said); err != nil {
			return nil, err
		}
	}
	i := v.engines[0].Engine.Info()
	v.info.Docker = store.Docker{Engine: i.Version, API: i.API}
	v.info.Image = store.Image{Ref: image.Ref, ID: image.ID}
	if err := v.folder.WriteJSON(store.RunFile, v.info); err != nil {
		return nil, environment(fmt.Errorf("write the run folder: %w", err), "")
	}
	c, err := docker.UpFleet(ctx, v.engines, v.plan.Scenario.System.Docker.Network, specOf(v.folder.ID(), image.Ref, further, v.plan), say)
	if err != nil {
		return nil, err // as in prepare
	}
	return c, nil
}

// sweepEngines takes away what a run left on the engines that its scenario
// names. One that cannot be reached keeps no other from being swept.
func (r *root) sweepEngines(ctx context.Context, run string, p *runner.Plan, o docker.SweepOptions) ([]docker.Swept, error) {
	var swept []docker.Swept
	var errs []error
	for i := range p.Scenario.System.Docker.Engines {
		one := *p.Scenario
		d := *one.System.Docker
		d.Engines = d.Engines[i : i+1]
		one.System.Docker = &d
		all, err := berths(ctx, &one)
		for _, b := range all {
			some, sweepErr := b.Engine.Sweep(ctx, docker.SweepOptions{Run: run, Dead: []string{run}, DryRun: o.DryRun})
			for i := range some {
				some[i].Name += " at " + b.Name
			}
			swept, err = append(swept, some...), errors.Join(err, sweepErr)
		}
		closeEngines(all)
		errs = append(errs, err)
	}
	return swept, errors.Join(errs...)
}
