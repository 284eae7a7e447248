package docker

import (
	"context"
	"errors"
	"net"
	"net/url"
	"strings"

	"github.com/docker/docker/api/types/system"
)

// Why nodes of an engine cannot be used from here.
var (
	errDesktop  = errors.New("docker desktop runs containers in a machine of its own, and nodes cannot be reached by their addresses from here")
	errRootless = errors.New("the engine is rootless: the agent beside the nodes would lack the rights to hurt them")
	errRemote   = errors.New("the engine is on another machine, and nodes cannot be reached by their addresses from here")
)

// elsewhereHint is what to do where nodes cannot be reached.
const elsewhereHint = "run shakedown on a linux machine with an engine of its own; or, where the engine has a network that is reached from here, " +
	"name both in the scenario: system: {docker: {engines: [ssh://db1], network: db-net}}; or use hosts over SSH: system: {hosts: [db1, db2, db3]}"

// Fit returns nil if nodes on this engine can be reached and hurt from here:
// clients talk to them by their addresses on the engine's own bridge, and the
// agent works with root's rights beside them. The error is an [*Error] with
// what to do instead.
func (e *Engine) Fit(ctx context.Context) error {
	ctx, cancel, err := step(ctx)
	if err != nil {
		return err
	}
	defer cancel()
	i, err := e.api.Info(ctx)
	if err != nil {
		return failed(err, "", "ask docker about itself")
	}
	return failed(unfit(i, e.api.DaemonHost(), localAddresses()),
		elsewhereHint,
		"use docker at %s", e.api.DaemonHost())
}

// FitShared is [Engine.Fit] for an engine whose nodes are on a network that
// reaches beyond it, wherever it is.
func (e *Engine) FitShared(ctx context.Context) error {
	ctx, cancel, err := step(ctx)
	if err != nil {
		return err
	}
	defer cancel()
	i, err := e.api.Info(ctx)
	if err != nil {
		return failed(err, "", "ask docker about itself")
	}
	return failed(unfit(i, "unix://", nil), "use an engine on linux that runs as root", "use docker at %s", e.api.DaemonHost())
}

// unfit says why an engine that says this about itself, and is reached at host,
// cannot be used from a machine with these addresses.
func unfit(i system.Info, host string, local []net.IP) error {
	switch {
	case strings.Contains(i.OperatingSystem, "Docker Desktop"):
		return errDesktop
	case hasOption(i.SecurityOptions, "rootless"):
		return errRootless
	case !isHere(host, local):
		return errRemote
	}
	return nil
}

// hasOption looks for "name=rootless" or "name=rootless,more".
func hasOption(options []string, name string) bool {
	for _, o := range options {
		first, _, _ := strings.Cut(o, ",")
		if first == "name="+name {
			return true
		}
	}
	return false
}

// isHere tells whether an engine's address is on this machine.
func isHere(host string, local []net.IP) bool {
	u, err := url.Parse(host)
	if err != nil || u.Scheme == "unix" || u.Scheme == "npipe" || u.Hostname() == "localhost" {
		return true
	}
	ip := net.ParseIP(u.Hostname())
	if ip == nil {
		return false
	}
	for _, l := range local {
		if ip.Equal(l) {
			return true
		}
	}
	return ip.IsLoopback()
}

// localAddresses are this machine's; none if they cannot be told.
func localAddresses() []net.IP {
	var ips []net.IP
	all, _ := net.InterfaceAddrs()
	for _, a := range all {
		if n, ok := a.(*net.IPNet); ok {
			ips = append(ips, n.IP)
		}
	}
	return ips
}
