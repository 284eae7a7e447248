package scenarios

// A driver is a kind of client.
type driver struct {
	Word
	// lacks are the workloads that it has no operations for.
	lacks []string
	// fields are those of the section client that belong to it, besides use.
	fields []string
}

func drivers() []driver {
	return []driver{
		{Word{"etcd", "etcd's own protocol; can tell who leads"}, nil, []string{"serializable_reads", "lease", "fencing"}},
		{Word{"redis", "redis's own protocol; can tell which node is the primary"}, []string{"monotonic"}, []string{"lease", "fencing", "writes", "wait"}},
		{Word{"postgres", "PostgreSQL's own protocol, with transactions of any isolation level"}, []string{"lock"}, []string{"isolation"}},
		{Word{"http", "requests written in the scenario: method, path, body, and what the answers mean"}, nil, []string{"operations"}},
		{Word{"exec", "a program of yours, in any language, that takes operations as JSON lines and answers them"}, nil, []string{"command"}},
	}
}

// Clients are what `client.use` can be.
func Clients() []Word {
	var out []Word
	for _, d := range drivers() {
		out = append(out, d.Word)
	}
	return out
}

// Workloads are what `workload.use` can be.
func Workloads() []Word {
	var out []Word
	for _, k := range kinds() {
		out = append(out, k.Word)
	}
	return out
}

// Isolations are what `client.isolation` can be, the strongest first.
func Isolations() []Word {
	return []Word{
		{"serializable", "as if transactions took place one after the other"},
		{"repeatable-read", "each transaction sees one snapshot: snapshot isolation, in PostgreSQL"},
		{"read-committed", "each statement sees what was committed before it: PostgreSQL's default"},
	}
}
