package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/shakedown-dev/shakedown/nemesis"
	"github.com/shakedown-dev/shakedown/scenarios"
)

// Evidence is where a kind of a fault is measured from inside or beside a node,
// while it is in force and after its heal: a folder and a test in it, with the
// name of a row if the test has a table. Again is where the same is done to a
// node that restarts, forks or is paused meanwhile; a fault that is itself a
// stop, or that needs the node to be down, says "of itself".
type evidence struct{ fault, kind, measured, again string }

const ofItself = "of itself"

// evidences is the table of the catalog. What a scenario can ask for and what is
// not here has not been shown to bite.
func evidences() []evidence {
	const (
		network = "nemesis/agent TestEffectsOnTheNetwork"
		paused  = "nemesis/agent TestEffectsOnAPausedNode"
		felt    = "docker TestNodeFaultsAreFelt"
		disks   = "docker TestDiskFaultsAreFelt"
		shapes  = "nemesis TestShapesAroundANode"
		spoil   = "nemesis/agent/slow TestSpoiledPackets"
	)
	return []evidence{
		{"partition", "halves", "nemesis TestHalves", paused}, {"partition", "random-halves", "nemesis TestHalves", paused},
		{"partition", "one", shapes, paused}, {"partition", "minority", "nemesis TestMinorityAndMajority", paused},
		{"partition", "majority", "nemesis TestMinorityAndMajority", paused}, {"partition", "bridge", "nemesis TestBridge", paused},
		{"partition", "majority-ring", "nemesis TestMajorityRing", paused},
		{"partition", "one-way", network + "/partition of the other way", paused}, {"partition", "any", shapes, paused},
		{"partition", "groups", network + "/partition", paused}, {"partition", "pairs", network + "/partition", paused},
		{"partition", "nodes", network + "/partition", paused}, {"partition", "clients", network + "/partition from clients", paused},
		{"partition", "ports", network + "/partition of a port", paused},
		{"connections", "reset", "nemesis/agent TestEffectOfAReset", "nemesis/agent/tcp TestRefuseOverARestart"},
		{"connections", "refuse", network + "/refused connections", paused},
		{"connections", "reset-and-refuse", network + "/refused connections of clients", paused},
		{"connections", "ports", network + "/refused connections of a port", paused},
		{"latency", "delay", network + "/delay", paused}, {"latency", "jitter", network + "/delay with jitter", paused},
		{"latency", "distribution", "nemesis/agent/slow TestDistributions", paused},
		{"latency", "reorder", "nemesis/agent/slow TestLossAndReorderAreShares", paused},
		{"latency", "loss", network + "/loss", paused}, {"latency", "loss_burst", "nemesis/agent/slow TestBurstsOfLosses", paused},
		{"latency", "duplicate", network + "/duplicates", paused}, {"latency", "corrupt", network + "/corruption", paused},
		{"latency", "tamper", network + "/tampering", paused}, {"latency", "rate", network + "/bandwidth", paused},
		{"dns", "none", network + "/names without an answer", paused}, {"dns", "servfail", network + "/names that fail", paused},
		{"dns", "nxdomain", network + "/names that there are not", paused}, {"dns", "wrong", network + "/wrong addresses", paused},
		{"kill", "kill", "docker TestRestartKeepsAddressAndData", ofItself}, {"kill", "stop", "docker TestWaysToKillANode/stop", ofItself},
		{"kill", "restart", "docker TestRestartKeepsAddressAndData", ofItself}, {"kill", "policy", "docker TestRestartPolicy", ofItself},
		{"kill", "crash-loop", "nemesis TestWaysToKill/crash loop", ofItself}, {"kill", "process", "docker TestWaysToKillANode/process", "nemesis/agent TestKillOfAFrozenNode"},
		{"pause", "freezer", felt + "/pause", felt + "/pause"}, {"pause", "sigstop", felt + "/sigstop", felt + "/sigstop"},
		{"pause", "process", felt + "/sigstop of one process", felt + "/sigstop of one process"},
		{"clock", "skew", felt + "/skew", felt + "/skew"}, {"clock", "jump", "nemesis TestClockJumps", "nemesis TestClockOfAFrozenNodeTakesHoldWhenItThaws"},
		{"clock", "strobe", felt + "/strobe", "nemesis/agent TestStrobeFollowsTheNode"}, {"clock", "drift", felt + "/drift", felt + "/drift"},
		{"clock", "freeze", felt + "/freeze", felt + "/freeze"}, {"clock", "clocks", "nemesis/agent TestMonotonicOnlyByName", "nemesis/agent/vdso TestForkedChild"},
		{"clock", "host", "nemesis/agent TestHostClockOfAFault", "nemesis/agent/hostclock TestAfterAReboot"},
		{"disk", "power-failure", disks + "/power failure", ofItself},
		{"disk", "all", "docker TestEtcdSurvivesPowerFailures/all", ofItself}, {"disk", "torn", "docker TestEtcdSurvivesPowerFailures/torn", ofItself},
		{"disk", "reordered", "docker TestEtcdSurvivesPowerFailures/reordered", ofItself},
		{"disk", "eio", disks + "/eio", disks}, {"disk", "enospc", disks + "/enospc", disks}, {"disk", "read-only", disks + "/read-only", disks},
		{"disk", "slow", disks + "/slow", disks}, {"disk", "full", disks + "/full", disks},
		{"disk", "bit-flip", disks + "/bit-flip", ofItself}, {"disk", "truncate", disks + "/truncate", ofItself},
		{"disk", "old-copy", disks + "/old-copy", ofItself},
		{"resources", "cpus", "docker TestProcessorLimitOfANode", "nemesis/agent TestLimitsFollowTheNode"},
		{"resources", "memory", "docker TestMemoryLimitOfANode", ofItself},
		{"resources", "pids", felt + "/pids", felt + "/pids"}, {"resources", "files", felt + "/files", felt + "/files"},
		{"rolling", "target", "docker TestNodesAreMadeAnew", ofItself}, {"rolling", "to", "docker TestNodesAreMadeAnew", ofItself},
		{"membership", "target", "nemesis TestMembersComeBackOneByOne", ofItself},
		{"custom", "inject", "nemesis TestCommandsOnNodes", "nemesis TestStepsThatFail"}, {"custom", "failpoint", "nemesis TestFailpoint", "nemesis TestStepsThatFail"},
	}
}

// catalogKinds are the words and options of each fault by which one asks for
// something else to be done to a node.
func catalogKinds() map[string][]string {
	words := func(all ...[]scenarios.Word) (out []string) {
		for _, w := range slices.Concat(all...) {
			out = append(out, w.Name)
		}
		return out
	}
	return map[string][]string{
		"partition":   append(words(scenarios.Shapes(), scenarios.Betweens()), "groups", "pairs", "ports"),
		"connections": append(words(scenarios.ConnectionKinds()), "ports"),
		"latency":     {"delay", "jitter", "distribution", "reorder", "loss", "loss_burst", "duplicate", "corrupt", "tamper", "rate"},
		"dns":         words(scenarios.Answers()),
		"kill":        append(words(scenarios.WaysToKill()), "process"),
		"pause":       append(words(scenarios.WaysToPause()), "process"),
		"clock":       {"skew", "jump", "strobe", "drift", "freeze", "clocks", "host"},
		"disk":        words(scenarios.DiskKinds(), scenarios.Losses()),
		"resources":   {"cpus", "memory", "pids", "files"},
		"rolling":     {"target", "to"},
		"membership":  {"target"},
		"custom":      {"inject", "failpoint"},
	}
}

// modifiers are the options that say whom a fault hits, where, how much and how,
// but not what happens.
func modifiers() []string {
	return []string{"name", "fault", "target", "shape", "between", "direction", "groups", "pairs", "ports", "again", "kind", "answer", "names", "addresses",
		"how", "grace", "up_for", "process", "path", "calls", "takes", "room", "lose", "files", "bits", "cut", "age", "restore", "share", "probability",
		"clocks", "of", "within", "verify", "heal", "gone", "timeout", "at", "every", "for", "after", "when"}
}

// Without this a fault could be added, or a new kind of one, that nobody has
// ever seen to bite.
func TestEveryKindIsMeasured(t *testing.T) {
	have := map[string]bool{}
	for _, e := range evidences() {
		have[e.fault+" "+e.kind] = true
	}
	for _, fault := range nemesis.Faults() {
		if len(catalogKinds()[fault]) == 0 {
			t.Errorf("of %s no kind is known here", fault)
		}
		for _, kind := range catalogKinds()[fault] {
			if !have[fault+" "+kind] {
				t.Errorf("%s: %s has no row in the table of evidence", fault, kind)
			}
		}
	}
	scenarios.Fields(nil).Walk("", func(_ string, f scenarios.Field) {
		for fault, options := range f.Kinds {
			for _, option := range options {
				known := slices.Contains(modifiers(), option) || slices.Contains(catalogKinds()[fault], option)
				if slices.Contains(nemesis.Faults(), fault) && !known {
					t.Errorf("%s: the option %s is neither measured nor known to change nothing in what happens", fault, option)
				}
			}
		}
	})
}

// Without this the table could name tests that there are not.
func TestEvidenceIsThere(t *testing.T) {
	packages := map[string]testsOf{}
	for _, e := range evidences() {
		for _, where := range []string{e.measured, e.again} {
			if where == ofItself {
				continue
			}
			dir, name, _ := strings.Cut(where, " ")
			name, row, _ := strings.Cut(name, "/")
			if packages[dir] == nil {
				packages[dir] = readTests(t, filepath.Join("..", "..", filepath.FromSlash(dir)))
			}
			if !packages[dir][name] || row != "" && !packages[dir]["row "+row] {
				t.Errorf("%s %s: there is no %s", e.fault, e.kind, where)
			}
		}
	}
}

// testsOf are the names of the tests of a folder, and of what may be rows.
type testsOf map[string]bool

func readTests(t *testing.T, dir string) testsOf {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	out := testsOf{}
	for _, name := range files {
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				out[n.Name.Name] = true
			case *ast.BasicLit:
				if text, err := strconv.Unquote(n.Value); err == nil && n.Kind == token.STRING {
					out["row "+text] = true
				}
			}
			return true
		})
	}
	return out
}
