package scenarios

import "time"

// A Connections is what happens to connections of TCP, and to which.
type Connections struct {
	// Kind is reset, refuse or reset-and-refuse.
	Kind string `json:"kind"`
	// Again is how often established connections are reset while the fault
	// lasts; 0: once.
	Again time.Duration `json:"again_ns,omitempty"`
	// Between is "clients" for connections of clients to the target; empty for
	// those of the target with other nodes, in Direction: both, out (which it
	// opens) or in (which are opened to it).
	Between   string `json:"between,omitempty"`
	Direction string `json:"direction,omitempty"`
	// Pairs, given instead of a target, are ordered: [from, to], where from
	// opens the connection.
	Pairs [][2]string `json:"pairs,omitempty"`
	// Ports are the only ones that are concerned; none: all.
	Ports []uint16 `json:"ports,omitempty"`
}

// ConnectionKinds are what the `kind` of a fault of connections can be.
func ConnectionKinds() []Word {
	return []Word{
		{"reset", "established connections are reset, and both ends are told; again: 500ms does it again and again"},
		{"refuse", "new connections are refused, as if nobody listened"},
		{"reset-and-refuse", "both"},
	}
}

func connectionsFault() faultKind {
	return faultKind{
		word:    Word{"connections", "reset established connections, or refuse new ones; unlike in a partition, both ends are told"},
		options: []string{"target", "kind", "pairs", "between", "direction", "ports", "again"},
		example: "kind: reset",
		read:    readConnections,
		words:   []Vocabulary{{"kinds of faults of connections", ConnectionKinds()}},
	}
}

func readConnections(s section, f *Fault, sc *Scenario) {
	c := &Connections{}
	f.Connections = c
	if s.need("kind", "say what happens, as in kind: reset") {
		s.word("kind", "kind of fault of connections", &c.Kind, names(ConnectionKinds()))
	}
	s.duration("again", &c.Again, 10*time.Millisecond, maxPhase)
	c.Ports = readFaultPorts(s, sc)
	readBetween(s, &c.Between)
	if c.Between == "" {
		c.Direction = "both"
	}
	s.word("direction", "direction", &c.Direction, names(Directions()))
	readTarget(s, f, sc)
	c.Pairs = readPairs(s, sc, clients)
	checkConnections(s, c, sc)
}

func checkConnections(s section, c *Connections, sc *Scenario) {
	for _, pair := range c.Pairs {
		if pair[1] == clients {
			s.at("pairs").report("nodes open no connections to clients", "write clients -> n1 for those that clients open")
			return
		}
	}
	switch {
	case sc.System.Nodes == 1 && c.Between == "" && !s.has("pairs"):
		s.at("fault").report("one node has nobody to be connected with", "give the system two nodes at least, or write between: clients")
	case s.has("again") && c.Kind == "refuse":
		s.at("again").report("again belongs to the kinds that reset", "leave it out: what is refused is refused all the time")
	case s.has("direction") && c.Between == clients:
		s.at("direction").report("it is always clients that open connections to nodes", "leave it out")
	}
}
