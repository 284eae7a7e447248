package scenarios

import (
	"maps"
	"slices"
)

// A judgement is a check that a scenario can ask for.
type judgement struct {
	Word
	// options are what it can be told, by name, and what these are: a flag, a
	// duration, a share, words, or a word of a list.
	options map[string]option
}

// An option says how the value of a check's option is read.
type option int

const (
	aFlag option = iota
	aDuration
	aShare
	someWords
	aModel
	aLevel
)

func judgements() []judgement {
	return slices.Concat(
		[]judgement{{Word{"linearizable", "every key behaves as if its operations took place one at a time, each between its call and its return"},
			map[string]option{"model": aModel, "null_unknown": aFlag, "cas_refuses": aFlag, "smallest": aFlag, "ttl": aDuration}}},
		txnJudgements(), objectJudgements(), registerJudgements(), serviceJudgements())
}

func txnJudgements() []judgement {
	return []judgement{
		{Word{"list-append", "transactions that append to lists and read them keep the isolation level"},
			map[string]option{"isolation": aLevel, "any_initial": aFlag}},
		{Word{"rw-register", "transactions that write and read registers keep the isolation level"},
			map[string]option{"isolation": aLevel, "any_initial": aFlag, "sequential_keys": aFlag, "linearizable_keys": aFlag, "no_sessions": aFlag}},
		{Word{"bank", "transfers between accounts keep the money together"}, map[string]option{"negative_allowed": aFlag}},
		{Word{"long-fork", "no two reads saw two writes in opposite orders"}, nil},
		{Word{"write-skew", "no two transactions that each made sure the other had not happened both committed"}, nil},
		{Word{"monotonic", "the database's timestamps order transactions as they saw each other"}, map[string]option{"by_process": aFlag}},
	}
}

func objectJudgements() []judgement {
	return []judgement{
		{Word{"set", "a set still holds, in the end, what was put into it"}, nil},
		{Word{"set-full", "no element of a set is ever lost, doubled or out of nowhere"}, map[string]option{"linearizable": aFlag}},
		{Word{"total-queue", "what goes into a queue comes out of it"}, map[string]option{"once": aFlag, "fifo": aFlag}},
		{Word{"counter", "reads of a counter lie within what the additions allow"}, map[string]option{"session": aFlag, "realtime": aFlag}},
		{Word{"unique-ids", "generated identifiers are all different"}, nil},
		{Word{"log", "logs keep every message, in one order, for every consumer"}, map[string]option{"rebalanced": aFlag, "write_order": aFlag, "max_lag": aDuration}},
		{Word{"invariant", "a rule that comes with the program holds; the model says which"}, map[string]option{"model": aModel}},
	}
}

func registerJudgements() []judgement {
	return []judgement{
		{Word{"sequential", "one client's writes become visible in the order in which it made them"}, nil},
		{Word{"causal", "reads respect what their process, and those it read from, had seen; not for a mix with cas"}, nil},
		{Word{"causal-reverse", "no read saw a write without those acknowledged before it began"}, nil},
		{Word{"session", "every process reads its own writes and never goes back; not for a mix with cas"}, map[string]option{"guarantee": someWords}},
	}
}

func serviceJudgements() []judgement {
	return []judgement{
		{Word{"convergence", "every node answers alike in the final reads"}, map[string]option{"unordered": aFlag}},
		{Word{"recovery", "every node answers again soon after the last heal"}, map[string]option{"within": aDuration}},
		{Word{"availability", "nodes serve again soon after each heal, and enough operations succeed"},
			map[string]option{"within": aDuration, "ok_share": aShare, "ok_fail": someWords, "calm": aFlag}},
		{Word{"latency", "operations end as soon as was promised"},
			map[string]option{"max": aDuration, "quantile": aShare, "f": someWords, "calm": aFlag}},
		{Word{"logs", "no node logs any of the forbidden words"}, map[string]option{"forbid": someWords}},
	}
}

// Checks are what `check` can be. Two more, stats and earned, always run.
func Checks() []Word {
	var out []Word
	for _, j := range judgements() {
		out = append(out, j.Word)
	}
	return out
}

// CheckOptions are the fields of a check, besides check and timeout.
func CheckOptions(check string) []string {
	return slices.Sorted(maps.Keys(judgementOf(check).options))
}

// Models are what the `model` of a check can be.
func Models() []Word {
	return append(linearModels(), ruleModels()...)
}

// linearModels are the models of linearizable that some workload exercises.
// There are more, for histories of other programs.
func linearModels() []Word {
	return []Word{
		{"register", "a value that is read and written"},
		{"cas-register", "a value that is read, written, and compared and set"},
		{"mutex", "what one holds at a time, and anybody can give back"},
		{"lock", "what one holds at a time, and only its holder gives back"},
		{"set", "values that are added and read whole"},
		{"counter", "a number that is added to"},
	}
}

// ruleModels are the models of invariant that a workload here exercises.
func ruleModels() []Word {
	return []Word{
		{"lock-fencing", "tokens of a lock only grow, and a holder of the past writes nothing any more"},
	}
}

// Levels are the isolation levels that transactions can be judged against.
func Levels() []string {
	return []string{
		"1SR", "PL-1", "PL-2", "PL-2+", "PL-2.99", "PL-2L", "PL-3", "PL-3U", "PL-CS", "PL-FCV", "PL-MSR", "PL-SI", "PL-SS", "PRAM",
		"causal", "causal-cerone", "conflict-serializable", "consistent-view", "cursor-stability", "forward-consistent-view",
		"linearizable", "monotonic-atomic-view", "monotonic-reads", "monotonic-snapshot-read", "monotonic-view", "monotonic-writes",
		"parallel-snapshot-isolation", "prefix", "read-atomic", "read-committed", "read-uncommitted", "read-your-writes",
		"repeatable-read", "sequential", "serializable", "session-causal", "session-read-atomic", "session-read-committed",
		"session-serializable", "snapshot-isolation", "strict-serializable", "strong-read-committed", "strong-read-uncommitted",
		"strong-serializable", "strong-session-read-committed", "strong-session-read-uncommitted", "strong-session-serializable",
		"strong-session-snapshot-isolation", "strong-snapshot-isolation", "update-atomic", "update-serializable", "view-serializable",
		"writes-follow-reads",
	}
}
