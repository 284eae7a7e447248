package scenarios

import (
	"net"
	"slices"
	"strings"
)

// A Host is a machine of the user's own that runs one node.
type Host struct {
	// SSH is a name that ssh knows, or an address.
	SSH string `json:"ssh"`
	// Address is the IP by which clients and other nodes reach the node; empty
	// for the one by which ssh does.
	Address string `json:"address,omitempty"`
}

// An SSH says how to log in at hosts, over what ~/.ssh/config says.
type SSH struct {
	User       string `json:"user,omitempty"`
	Port       int    `json:"port,omitempty"`
	Identity   string `json:"identity,omitempty"`
	Jump       string `json:"jump,omitempty"`
	KnownHosts string `json:"known_hosts,omitempty"`
	// Config is a configuration to be read instead of ~/.ssh/config.
	Config string `json:"config,omitempty"`
}

// A Control says how a node on a host is started and stopped, where it is not
// simply run as its command: by a unit of systemd, or by commands for the
// host's shell.
type Control struct {
	Unit  string `json:"unit,omitempty"`
	Start string `json:"start,omitempty"`
	Stop  string `json:"stop,omitempty"`
	// Pid prints the pid of the node's main process, nothing while it is down.
	Pid string `json:"pid,omitempty"`
	// Prepare is run once before the first start.
	Prepare string `json:"prepare,omitempty"`
	// Logs are files on the host that belong to the node's log.
	Logs []string `json:"logs,omitempty"`
}

// hostFields are the fields of a system whose nodes are hosts.
func hostFields() []string { return []string{"hosts", "ssh", "control", "allow_host_clock"} }

// readHosts reads where the nodes are, if they are on hosts of the user's own.
func readHosts(s section, sys *System) {
	v, ok := s.fields["hosts"]
	if !ok {
		for _, field := range []string{"ssh", "control", "allow_host_clock"} {
			if s.has(field) && (field != "ssh" || !s.has("docker")) {
				s.at(field).reportf("name the hosts, as in hosts: [db1, db2, db3]", "%s belongs to hosts", field)
			}
		}
		if ssh, ok := s.fields["ssh"]; ok && s.has("docker") {
			sys.SSH = readSSH(ssh) // for engines at ssh://…
		}
		return
	}
	items, ok := v.items("hosts, as in [db1, db2, db3]")
	if ok && len(items) == 0 {
		v.report("the list of hosts is empty", "write as in hosts: [db1, db2, db3]")
	}
	for _, item := range items {
		sys.Hosts = append(sys.Hosts, readHost(item, sys.Hosts))
	}
	sys.Nodes = max(len(sys.Hosts), 1)
	if len(sys.Hosts) > maxClusterNodes {
		v.reportf("at most 50", "%d hosts are too many", len(sys.Hosts))
	}
	if ssh, ok := s.fields["ssh"]; ok {
		sys.SSH = readSSH(ssh)
	}
	s.truth("allow_host_clock", &sys.AllowHostClock)
	if control, ok := s.fields["control"]; ok {
		sys.Control = readControl(control)
	}
	checkHosts(s, sys)
}

// readHost is a name, or a mapping of ssh and address.
func readHost(v value, before []Host) Host {
	var h Host
	if !v.isMapping() {
		h.SSH, _ = v.hostName()
	} else {
		s := v.section("ssh", "address")
		if s.need("ssh", "say by which name ssh reaches it, as in ssh: db1") {
			read(s, "ssh", &h.SSH, value.hostName)
		}
		read(s, "address", &h.Address, value.ip)
	}
	if slices.ContainsFunc(before, func(o Host) bool { return o.SSH == h.SSH && h.SSH != "" }) {
		v.reportf("name it once: a host runs one node", "the host %s is named twice", h.SSH)
	}
	return h
}

// hostName is what can be given to ssh for a host.
func (v value) hostName() (string, bool) {
	s, ok := v.text()
	if ok && (strings.ContainsAny(s, " \t\n/@'\"\\") || strings.HasPrefix(s, "-")) {
		v.reportf("write as in db1 or 10.0.0.1; the user stands under ssh: {user: …}", "%q is not the name of a host", s)
		return "", false
	}
	return s, ok
}

func (v value) ip() (string, bool) {
	s, ok := v.text()
	if ok && net.ParseIP(s) == nil {
		v.reportf("write as in 10.0.0.1", "%q is not an IP address", s)
		return "", false
	}
	return s, ok
}

func readSSH(v value) *SSH {
	out := &SSH{}
	s := v.section("user", "port", "identity", "jump", "known_hosts", "config")
	s.text("user", &out.User)
	s.integer("port", &out.Port, 1, 65535)
	s.text("identity", &out.Identity)
	s.text("jump", &out.Jump)
	s.text("known_hosts", &out.KnownHosts)
	s.text("config", &out.Config)
	return out
}

func readControl(v value) *Control {
	out := &Control{}
	s := v.section("unit", "start", "stop", "pid", "prepare", "logs")
	s.text("unit", &out.Unit)
	for field, into := range map[string]*string{"start": &out.Start, "stop": &out.Stop, "pid": &out.Pid, "prepare": &out.Prepare} {
		read(s, field, into, func(v value) (string, bool) { return v.template(nodePlaceholders()...) })
	}
	read(s, "logs", &out.Logs, func(v value) ([]string, bool) { return v.texts("files, as in [/var/log/db.log]") })
	switch {
	case out.Unit != "" && (out.Start != "" || out.Stop != "" || out.Pid != ""):
		s.at("unit").report("unit and commands are both given", "keep one: systemd starts the node, or your commands do")
	case (out.Start != "" || out.Stop != "" || out.Pid != "") && (out.Start == "" || out.Stop == "" || out.Pid == ""):
		s.report("start, stop and pid belong together", "give all three; pid prints the pid of the node's main process, and nothing while it is down")
	}
	return out
}

// checkHosts reports what makes no sense with hosts, and hosts of which nobody
// knows what they run.
func checkHosts(s section, sys *System) {
	for field, why := range map[string]string{
		"image":  "a host runs no image of ours",
		"nodes":  "there are as many nodes as hosts",
		"limits": "limits are for containers; set them on the host",
		"data":   "a node on a host has its data at {data}, which may stand in its command",
	} {
		if s.has(field) {
			s.at(field).reportf(why, "%s does not go with hosts", field)
		}
	}
	sys.Limits, sys.Data = Limits{}, "{data}"
	switch {
	case sys.Control != nil && (sys.Control.Unit != "" || sys.Control.Start != ""):
		sys.Build, sys.Data = nil, "" // its files are wherever it has them
	case sys.Build != nil && sys.Build.Kind == kindDebian:
		s.at("use").reportf("install it on the hosts, and say how to start it: control: {unit: …}", "%s comes as an image, which hosts do not run", sys.Use)
	case sys.Build == nil && len(sys.Command) == 0:
		s.at("hosts").report("nothing says what the hosts run",
			"add a command, use: etcd for a system that is put there, or control: {unit: …}")
	}
}
