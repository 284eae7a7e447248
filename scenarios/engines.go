package scenarios

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// A Docker is several engines that the nodes of a cluster are spread over.
type Docker struct {
	Engines []DockerEngine `json:"engines"`
	// Network is a network that the engines share, by the name that it has on
	// each of them; "host" for the networks of their hosts.
	Network string `json:"network"`
}

// A DockerEngine is one of several engines.
type DockerEngine struct {
	// At is unix:///path, tcp://host:port or ssh://user@host.
	At string `json:"at"`
	// Certificates is a directory with ca.pem, cert.pem and key.pem, for TLS.
	Certificates string `json:"certificates,omitempty"`
	// Address is that of the engine's host, on the network "host".
	Address string `json:"address,omitempty"`
	// Nodes are the nodes that it runs.
	Nodes []string `json:"nodes"`
}

// readDocker reads which engines there are, and spreads the nodes over them.
func readDocker(s section, sys *System) {
	v, ok := s.fields["docker"]
	if !ok {
		return
	}
	if s.has("hosts") {
		v.report("the nodes are on hosts, and not in docker", "keep one of hosts and docker")
	}
	d := &Docker{}
	part := v.section("engines", "network")
	if part.need("engines", "write as in engines: [unix:///var/run/docker.sock, ssh://db2]") {
		items, ok := part.fields["engines"].items("engines, as in [unix:///var/run/docker.sock, ssh://db2]")
		if ok && len(items) == 0 {
			part.at("engines").report("the list of engines is empty", "leave docker out for the engine that docker's own settings name")
		}
		for _, item := range items {
			d.Engines = append(d.Engines, readEngine(item, d.Engines))
		}
	}
	if part.need("network", `name a network that the engines share, or "host"`) {
		part.text("network", &d.Network)
	}
	if len(v.d.found) == 0 && len(d.Engines) > 0 {
		spread(part, d, sys)
	}
	sys.Docker = d
}

// readEngine is an address, or a mapping.
func readEngine(v value, before []DockerEngine) DockerEngine {
	var e DockerEngine
	if !v.isMapping() {
		e.At, _ = v.engineURL()
	} else {
		s := v.section("at", "certificates", "address", "nodes")
		if s.need("at", "say where it is, as in at: tcp://10.0.0.2:2376") {
			read(s, "at", &e.At, value.engineURL)
		}
		s.text("certificates", &e.Certificates)
		read(s, "address", &e.Address, value.ip)
		read(s, "nodes", &e.Nodes, func(v value) ([]string, bool) { return v.texts("nodes, as in [n1, n2]") })
		if e.Certificates != "" && !strings.HasPrefix(e.At, "tcp://") {
			s.at("certificates").report("certificates are for tcp", "unix and ssh have their own way to tell who may")
		}
	}
	if slices.ContainsFunc(before, func(o DockerEngine) bool { return o.At == e.At && e.At != "" }) {
		v.reportf("name it once; its nodes can be listed", "the engine %s is named twice", e.At)
	}
	return e
}

// engineURL is where an engine listens.
func (v value) engineURL() (string, bool) {
	s, ok := v.text()
	if !ok {
		return "", false
	}
	u, err := url.Parse(s)
	fits := err == nil && u.User == nil
	switch {
	case err != nil:
	case u.Scheme == "unix":
		fits = u.Host == "" && strings.HasPrefix(u.Path, "/")
	case u.Scheme == "tcp":
		fits = fits && u.Hostname() != "" && u.Port() != ""
	case u.Scheme == "ssh":
		_, password := u.User.Password()
		fits = u.Hostname() != "" && !password && strings.Trim(u.Path, "/") == ""
	default:
		fits = false
	}
	if !fits {
		v.reportf("write as in unix:///var/run/docker.sock, tcp://10.0.0.2:2376 or ssh://admin@db3", "%q is not where an engine can be", s)
		return "", false
	}
	return s, true
}

// spread gives every node an engine: the one that names it, or else in turn one
// of those that name none.
func spread(s section, d *Docker, sys *System) {
	named, open := map[string]bool{}, []int{}
	for i, e := range d.Engines {
		at := s.fields["engines"]
		if len(e.Nodes) == 0 {
			open = append(open, i)
		}
		for _, n := range e.Nodes {
			if !isNode(n, sys.Nodes) {
				at.reportf(fmt.Sprintf("the nodes are n1 to n%d", sys.Nodes), "there is no node %q", n)
			}
			if named[n] {
				at.reportf("a node runs on one engine", "two engines have the node %s", n)
			}
			named[n] = true
		}
	}
	turn := 0
	for i := range sys.Nodes {
		n := fmt.Sprintf("n%d", i+1)
		if named[n] {
			continue
		}
		if len(open) == 0 {
			s.at("engines").reportf("add it to the nodes of one, or leave one's nodes out", "no engine has the node %s", n)
			return
		}
		e := &d.Engines[open[turn%len(open)]]
		e.Nodes = append(e.Nodes, n)
		turn++
	}
	checkEngines(s, d)
}

// checkEngines reports engines without nodes, and what the hosts' own networks
// do not allow.
func checkEngines(s section, d *Docker) {
	at := s.fields["engines"]
	for _, e := range d.Engines {
		switch {
		case len(e.Nodes) == 0:
			at.reportf("add nodes, or leave it out", "the engine %s has no nodes", e.At)
		case d.Network == "host" && len(e.Nodes) > 1:
			at.reportf("one node for each engine, or another network: on the network of its host every node would have the same ports",
				"the engine %s has %d nodes on the network of its host", e.At, len(e.Nodes))
		case d.Network == "host" && e.Address == "":
			at.reportf("as in {at: ssh://db1, address: 10.0.0.1}", "the address of the host of %s is not known", e.At)
		case d.Network != "host" && e.Address != "":
			at.reportf("leave it out: addresses on a network of docker's are chosen", "an address of the host of %s, which is not the network", e.At)
		}
	}
}

// isNode reports whether there is a node of that name among n.
func isNode(name string, n int) bool {
	for i := range n {
		if name == fmt.Sprintf("n%d", i+1) {
			return true
		}
	}
	return false
}
