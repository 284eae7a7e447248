package scenarios

import (
	"maps"
	"slices"
)

// A kind is what is known about a workload.
type kind struct {
	Word
	// mix are the weights by default. Its names are all that a mix can weigh.
	mix map[string]int
	// changes are those of the mix that change something: without one of
	// them, nothing could go wrong.
	changes []string
	// asks are the operations that clients are asked for, final ones included.
	asks []string
	// checks are what can judge it, besides those of any workload; the first
	// is the default.
	checks []string
	// models are those of linearizable that have its operations.
	models []string
	// fields belong to this workload and to few others.
	fields []string
	// serial says that a client's operation depends on the one before, so that
	// it cannot have two under way.
	serial bool
}

// kinds are all workloads, in the order in which a reader should meet them.
func kinds() []kind { return slices.Concat(registerKinds(), txnKinds(), objectKinds(), orderKinds()) }

func registerKinds() []kind {
	fits := []string{"linearizable", "causal", "session"}
	models := []string{"register", "cas-register"}
	return []kind{
		{
			Word: Word{"register", "reads, writes and compare-and-sets on independent keys, with unique values"},
			mix:  map[string]int{"read": 50, "write": 35, "cas": 15}, changes: []string{"write"},
			asks: []string{"read", "write", "cas"}, checks: fits, models: models,
		},
		{
			Word: Word{"cas-register", "registers that mostly change by compare-and-set, each from a value that was seen"},
			mix:  map[string]int{"read": 40, "write": 20, "cas": 40}, changes: []string{"write"},
			asks: []string{"read", "write", "cas"}, checks: fits[:1], models: models,
		},
	}
}

func txnKinds() []kind {
	return []kind{
		{
			Word: Word{"append", "transactions that append to lists and read them whole: what shows the most anomalies"},
			mix:  map[string]int{"append": 50, "read": 50}, changes: []string{"append"},
			asks: []string{"txn"}, checks: []string{"list-append"}, fields: []string{"txn_length"},
		},
		{
			Word: Word{"rw-register", "transactions that read and write registers, each key being read before it is written"},
			mix:  map[string]int{"write": 50, "read": 50}, changes: []string{"write"},
			asks: []string{"txn"}, checks: []string{"rw-register"}, fields: []string{"txn_length"},
		},
		{
			Word: Word{"bank", "transfers between accounts, and reads of all balances, which must add up"},
			mix:  map[string]int{"transfer": 50, "read": 50}, changes: []string{"transfer"},
			asks: []string{"transfer", "read"}, checks: []string{"bank"}, fields: []string{"accounts", "balance", "max_transfer"},
		},
		{
			Word: Word{"long-fork", "single writes and reads of groups of keys, which must all see the writes in one order"},
			mix:  map[string]int{"write": 50, "read": 50}, changes: []string{"write"},
			asks: []string{"txn"}, checks: []string{"long-fork", "rw-register"}, fields: []string{"group"},
		},
		{
			Word: Word{"write-skew", "pairs of transactions that each insert only if the other has not: at most one may succeed"},
			mix:  map[string]int{"insert": 1}, changes: []string{"insert"},
			asks: []string{"insert"}, checks: []string{"write-skew"},
		},
	}
}

func objectKinds() []kind {
	return []kind{
		{
			Word: Word{"set", "elements are added to sets, which are read whole"},
			mix:  map[string]int{"add": 70, "read": 30}, changes: []string{"add"},
			asks: []string{"add", "read"}, checks: []string{"set-full", "set", "linearizable"}, models: []string{"set"},
		},
		{
			Word: Word{"queue", "messages are enqueued and dequeued, and in the end drained"},
			mix:  map[string]int{"enqueue": 50, "dequeue": 50}, changes: []string{"enqueue"},
			asks: []string{"enqueue", "dequeue", "drain"}, checks: []string{"total-queue"},
		},
		{
			Word: Word{"counter", "additions of one to counters, and reads"},
			mix:  map[string]int{"add": 60, "read": 40}, changes: []string{"add"},
			asks: []string{"add", "read"}, checks: []string{"counter", "linearizable"}, models: []string{"counter"},
		},
		{
			Word: Word{"unique-ids", "identifiers are generated, which must all be different"},
			mix:  map[string]int{"generate": 1}, changes: []string{"generate"},
			asks: []string{"generate"}, checks: []string{"unique-ids"},
		},
		{
			Word: Word{"lock", "locks are acquired, something is written under them, and they are released"},
			mix:  map[string]int{"acquire": 1, "write": 1}, changes: []string{"acquire"},
			asks: []string{"acquire", "write", "release"}, checks: []string{"invariant", "linearizable"}, models: []string{"lock", "mutex"}, serial: true,
		},
	}
}

func orderKinds() []kind {
	return []kind{
		{
			Word: Word{"log", "messages are sent to logs and polled from where the last poll ended"},
			mix:  map[string]int{"send": 60, "poll": 40}, changes: []string{"send"},
			asks: []string{"send", "poll"}, checks: []string{"log"}, serial: true,
		},
		{
			Word: Word{"monotonic", "rows are inserted, each with the largest value and one more, and read with the database's own timestamps"},
			mix:  map[string]int{"add": 80, "read": 20}, changes: []string{"add"},
			asks: []string{"add", "read"}, checks: []string{"monotonic"},
		},
		{
			Word: Word{"sequential", "rows of subkeys are written one after the other, and read the other way round"},
			mix:  map[string]int{"write": 50, "read": 50}, changes: []string{"write"},
			asks: []string{"write", "read"}, checks: []string{"sequential"},
		},
		{
			Word: Word{"causal-reverse", "single values are written, and read all at once: no read may see one without those before it"},
			mix:  map[string]int{"write": 60, "read": 40}, changes: []string{"write"},
			asks: []string{"write", "read"}, checks: []string{"causal-reverse"},
		},
	}
}

// kindOfWorkload is what is known about the workload of that name.
func kindOfWorkload(name string) kind {
	for _, k := range kinds() {
		if k.Name == name {
			return k
		}
	}
	return kind{}
}

// weighs are the operations that a mix of the workload can weigh, as a reader
// expects them: in the order in which clients are asked for them, if they are.
func (k kind) weighs() []string {
	var out []string
	for _, name := range k.asks {
		if _, ok := k.mix[name]; ok {
			out = append(out, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(k.mix)) {
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

// anyWorkload are the checks that can judge any workload.
func anyWorkload() []string { return []string{"recovery", "availability", "latency", "logs"} }

// fits says whether the check can judge the workload.
func (k kind) fits(check string) bool {
	if check == "convergence" {
		return slices.Contains(k.asks, "read")
	}
	return slices.Contains(k.checks, check) || slices.Contains(anyWorkload(), check)
}

// judges are all checks that fit, for a hint.
func (k kind) judges() []string {
	var out []string
	for _, c := range Checks() {
		if k.fits(c.Name) {
			out = append(out, c.Name)
		}
	}
	return out
}
