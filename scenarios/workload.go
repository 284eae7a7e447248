package scenarios

import "time"

// Defaults and bounds of a workload.
const (
	clientsPerNode          = 2
	defaultKeys             = 8
	defaultOperationsPerKey = 200
	defaultTimeout          = time.Second

	maxClients = 10_000
	maxKeys    = 100_000
	// maxOperationsPerKey is far above what a linearizability check can be
	// expected to decide for one key.
	maxOperationsPerKey = 1_000_000
	maxRate             = 1_000_000
	maxWeight           = 1_000_000
	// maxPlanned is how many operations a plan may hold: it is in memory and
	// in a file, at some hundred bytes each.
	maxPlanned = 50_000_000
)

func readWorkload(root section, sc *Scenario) Workload {
	out := Workload{
		Use:              "register",
		Clients:          clientsPerNode * sc.System.Nodes,
		Keys:             defaultKeys,
		OperationsPerKey: defaultOperationsPerKey,
		Mix:              map[string]int{"read": 50, "write": 35, "cas": 15},
		Timeout:          defaultTimeout,
	}
	s := section{value: root.at("workload")}
	if root.has("workload") {
		s = root.fields["workload"].section("use", "clients", "keys", "operations_per_key", "rate", "mix", "timeout")
	}
	s.word("use", "workload", &out.Use, names(Workloads()))
	s.integer("clients", &out.Clients, 1, maxClients)
	s.integer("keys", &out.Keys, 1, maxKeys)
	s.integer("operations_per_key", &out.OperationsPerKey, 1, maxOperationsPerKey)
	read(s, "rate", &out.RatePerSecond, value.rate)
	if sc.Client.Use == "http" {
		out.Mix = onlyKnown(out.Mix, sc.Client)
	}
	read(s, "mix", &out.Mix, value.mix)
	s.duration("timeout", &out.Timeout, minTime, maxWait)
	checkMix(s, out, sc.Client)
	return out
}

func (v value) rate() (float64, bool) {
	rate, ok := measure(v, "a rate, as in 500/s", parseRate)
	switch {
	case !ok:
	case rate <= 0:
		v.report("the rate must be more than 0", "leave it out for as fast as answers come")
	case rate > maxRate:
		v.reportf("at most 1000000/s", "the rate %s is out of range", v.node.Value)
	default:
		return rate, true
	}
	return 0, false
}

// mix are weights by operation, that of write above 0.
func (v value) mix() (map[string]int, bool) {
	s := v.section(operationNames()...)
	out, sum, ok := map[string]int{}, 0, len(v.d.found)
	for _, name := range operationNames() {
		weight := 0
		s.integer(name, &weight, 0, maxWeight)
		if weight > 0 {
			out[name] = weight
		}
		sum += weight
	}
	if len(v.d.found) > ok {
		return nil, false
	}
	if sum == 0 {
		v.report("all weights are 0", "write as in mix: {read: 50, write: 35, cas: 15}")
		return nil, false
	}
	if out["write"] == 0 {
		v.report("nothing is written, so there is nothing that a read could miss", "write as in mix: {read: 50, write: 50}")
		return nil, false
	}
	return out, true
}

// onlyKnown is the default mix without the operations that the client has not.
func onlyKnown(mix map[string]int, c Client) map[string]int {
	out := map[string]int{}
	for name, weight := range mix {
		if _, ok := c.Operations[name]; ok {
			out[name] = weight
		}
	}
	return out
}

// checkMix reports operations that the client does not have.
func checkMix(s section, w Workload, c Client) {
	if c.Use != "http" {
		return
	}
	for _, name := range operationNames() {
		if _, ok := c.Operations[name]; w.Mix[name] > 0 && !ok {
			s.at("mix").reportf("describe it under client.operations, or leave it out, as in mix: {read: 50, write: 50}",
				"the mix has %s, and the http client has no such operation", name)
		}
	}
}
