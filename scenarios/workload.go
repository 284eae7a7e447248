package scenarios

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Defaults and bounds of a workload.
const (
	clientsPerNode          = 2
	defaultKeys             = 8
	defaultOperationsPerKey = 200
	defaultTimeout          = time.Second
	defaultTxnLength        = 4
	defaultAccounts         = 8
	defaultBalance          = 100
	defaultMaxTransfer      = 5
	defaultGroupSize        = 2

	maxClients = 10_000
	maxKeys    = 100_000
	// maxOperationsPerKey is far above what a linearizability check can be
	// expected to decide for one key.
	maxOperationsPerKey = 1_000_000
	maxRate             = 1_000_000
	maxWeight           = 1_000_000
	// maxInFlight is how many connections a client may have.
	maxInFlight  = 1_000
	maxTxnLength = 100
	maxAccounts  = 1_000
	maxBalance   = 1_000_000
	maxGroupSize = 16
	// maxPlanned is how many operations a plan may hold: it is in memory and
	// in a file, at some hundred bytes each.
	maxPlanned = 50_000_000
)

// workloadFields are the fields of any workload.
func workloadFields() []string {
	return []string{"use", "clients", "in_flight", "keys", "operations_per_key", "rate", "mix", "timeout"}
}

// workloadKind is what is known about the workload that the scenario uses,
// whatever else may be wrong with it: the client's operations depend on it.
func workloadKind(root section) kind {
	if v, ok := root.fields["workload"]; ok && v.isMapping() {
		for i := 0; i+1 < len(v.node.Content); i += 2 {
			if v.node.Content[i].Value == "use" {
				if k := kindOfWorkload(v.node.Content[i+1].Value); k.Name != "" {
					return k
				}
			}
		}
	}
	return kindOfWorkload(usualWorkload)
}

// usualWorkload is what the clients do if nobody says.
const usualWorkload = "register"

func readWorkload(root section, sc *Scenario) Workload {
	k := workloadKind(root)
	out := Workload{
		Use:              k.Name,
		Clients:          clientsPerNode * sc.System.Nodes,
		Keys:             defaultKeys,
		OperationsPerKey: defaultOperationsPerKey,
		Mix:              maps.Clone(k.mix),
		Timeout:          defaultTimeout,
	}
	s := section{value: root.at("workload")}
	if root.has("workload") {
		s = root.fields["workload"].section(append(workloadFields(), ownFields()...)...)
	}
	s.word("use", "workload", &out.Use, names(Workloads()))
	s.integer("clients", &out.Clients, 1, maxClients)
	s.integer("in_flight", &out.InFlight, 1, maxInFlight)
	s.integer("keys", &out.Keys, 1, maxKeys)
	s.integer("operations_per_key", &out.OperationsPerKey, 1, maxOperationsPerKey)
	read(s, "rate", &out.RatePerSecond, value.rate)
	if sc.Client.Use == "http" {
		out.Mix = onlyKnown(out.Mix, sc.Client)
	}
	read(s, "mix", &out.Mix, func(v value) (map[string]int, bool) { return v.mix(k) })
	s.duration("timeout", &out.Timeout, minTime, maxWait)
	readOwn(s, k, &out)
	checkInFlight(s, k, out)
	checkMix(s, out, sc.Client)
	checkServes(s, k, sc.Client)
	return out
}

// ownFields are the fields that only some workloads have.
func ownFields() []string {
	return []string{"txn_length", "accounts", "balance", "max_transfer", "group"}
}

// readOwn reads the fields of the workload's own, and reports those of others.
func readOwn(s section, k kind, out *Workload) {
	for _, name := range ownFields() {
		if s.has(name) && !slices.Contains(k.fields, name) {
			s.at(name).reportf("leave it out", "%s does not belong to the workload %s", name, k.Name)
		}
	}
	for _, name := range k.fields {
		switch name {
		case "txn_length":
			out.TxnLength = defaultTxnLength
			s.integer(name, &out.TxnLength, 1, maxTxnLength)
		case "accounts":
			out.Accounts = defaultAccounts
			s.integer(name, &out.Accounts, 2, maxAccounts)
		case "balance":
			out.Balance = defaultBalance
			s.integer(name, &out.Balance, 1, maxBalance)
		case "max_transfer":
			out.MaxTransfer = defaultMaxTransfer
			s.integer(name, &out.MaxTransfer, 1, maxBalance)
		case "group":
			out.GroupSize = defaultGroupSize
			s.integer(name, &out.GroupSize, 2, maxGroupSize)
		}
	}
}

// checkInFlight reports operations side by side where one builds on another,
// or where there is no arrival to be kept waiting.
func checkInFlight(s section, k kind, w Workload) {
	switch {
	case w.InFlight <= 1:
	case k.serial:
		s.at("in_flight").reportf("leave it out, or give it more clients", "in the workload %s a client's operation builds on the one before", k.Name)
	case w.RatePerSecond == 0:
		s.at("in_flight").report("without a rate, a client sends its next operation when the last one has ended", "give it a rate, or more clients")
	}
}

// checkServes reports a workload that the client has no operations for.
func checkServes(s section, k kind, c Client) {
	for _, d := range drivers() {
		if d.Name == c.Use && len(d.lacks) > 0 && slices.Contains(d.lacks, k.Name) {
			s.at("use").reportf("", "the client %s does not have the operations of the workload %s", c.Use, k.Name)
		}
	}
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

// mix are weights by operation, one of those that change something above 0.
func (v value) mix(k kind) (map[string]int, bool) {
	known := k.weighs()
	s := v.section(known...)
	out, sum, ok := map[string]int{}, 0, len(v.d.found)
	for _, name := range known {
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
		v.report("all weights are 0", "write as in "+k.example())
		return nil, false
	}
	if !slices.ContainsFunc(k.changes, func(name string) bool { return out[name] > 0 }) {
		v.report("nothing is written, so there is nothing that a read could miss", "write as in "+k.example())
		return nil, false
	}
	return out, true
}

// example is the mix by default, as it is written.
func (k kind) example() string {
	var parts []string
	for _, name := range k.weighs() {
		parts = append(parts, fmt.Sprintf("%s: %d", name, k.mix[name]))
	}
	return "mix: {" + strings.Join(parts, ", ") + "}"
}

// onlyKnown is the default mix without the operations that the client has not.
func onlyKnown(mix map[string]int, c Client) map[string]int {
	out := map[string]int{}
	for name, weight := range mix {
		if _, ok := c.Operations[name]; ok || !isOperation(name) {
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
		if _, ok := c.Operations[name]; w.Mix[name] > 0 && !ok && slices.Contains(kindOfWorkload(w.Use).asks, name) {
			s.at("mix").reportf("describe it under client.operations, or leave it out, as in mix: {read: 50, write: 50}",
				"the mix has %s, and the http client has no such operation", name)
		}
	}
}
