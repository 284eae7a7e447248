package linear

import (
	"context"
	"hash/maphash"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/anishathalye/porcupine"
)

// A case is a history of others with the verdict that they give.
type recorded struct {
	name   string
	object Object
	ops    []Op
	want   Verdict
}

// collection reads verdicts.tsv of one of the shared collections; parse makes
// operations of a file.
func collection(t testing.TB, name string, parse func(t testing.TB, file, text string) (Object, []Op, bool)) []recorded {
	dir := filepath.Join("..", "..", "..", "shared", "histories", name)
	table, err := os.ReadFile(filepath.Join(dir, "verdicts.tsv"))
	if err != nil {
		t.Skipf("the shared histories are not there: %v", err)
	}
	var all []recorded
	for line := range strings.Lines(string(table)) {
		fields := strings.Split(strings.TrimRight(line, "\n"), "\t")
		want := map[string]Verdict{"ok": Linearizable, "illegal": Violated}[fields[2]]
		if want == Unknown {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, fields[0]))
		if err != nil {
			t.Fatal(err)
		}
		if object, ops, ok := parse(t, fields[0], string(text)); ok {
			all = append(all, recorded{fields[0], object, ops, want})
		}
	}
	return all
}

// A call is an operation in the making: what was called, and how it ended.
type call struct {
	f, argument, result string
	ended               string // ok, fail, info; empty if it never did
	call, back          int
}

// pairCalls puts invocations and completions together.
func pairCalls(events []call, process []string) []*call {
	var all []*call
	open := map[string]*call{}
	for i, e := range events {
		if e.ended == "invoke" {
			c := &call{f: e.f, argument: e.argument, call: i}
			open[process[i]] = c
			all = append(all, c)
			continue
		}
		c := open[process[i]]
		if c == nil {
			continue
		}
		c.ended, c.result, c.back = e.ended, e.argument, i
		delete(open, process[i])
	}
	return all
}

var jepsenLine = regexp.MustCompile(` - (\d+)\s+:(\w+)\s+:(\w+)\s+(.*)$`)

// parseJepsen reads lines such as "INFO  jepsen.util - 3	:ok	:cas	[1 2]", in which
// a compare-and-set that failed saw another value.
func parseJepsen(_ testing.TB, _, text string) (Object, []Op, bool) {
	var events []call
	var processes []string
	for line := range strings.Lines(text) {
		m := jepsenLine.FindStringSubmatch(strings.TrimRight(line, "\r\n"))
		if m == nil {
			continue
		}
		events = append(events, call{f: m[3], argument: m[4], ended: m[2]})
		processes = append(processes, m[1])
	}
	return Register, registerOps(pairCalls(events, processes), true, false), true
}

// registerOps makes operations of reads, writes and compare-and-sets; nil is
// the initial value, and n is n+1. Failed compare-and-sets are observations if
// refuse says so, reads of nil say nothing if wildcard does.
func registerOps(calls []*call, refuse, wildcard bool) []Op {
	number := func(text string) int {
		n, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil {
			return Initial
		}
		return n + 1
	}
	var ops []Op
	for _, c := range calls {
		o := Op{Call: c.call, Return: c.back, Unknown: c.ended != "ok" && c.ended != "fail"}
		pair := strings.Fields(strings.Trim(strings.ReplaceAll(c.argument, ",", " "), "[]"))
		switch {
		case c.f == "read" && (c.ended != "ok" || wildcard && c.result == "nil"):
			continue
		case c.f == "read":
			o.Kind, o.Value = Read, number(c.result)
		case c.f == "write" && c.ended != "fail":
			o.Kind, o.Value = Write, number(c.argument)
		case c.f == "cas" && c.ended == "fail" && refuse:
			o.Kind, o.Value = Refuse, number(pair[0])
		case c.f == "cas" && c.ended != "fail":
			o.Kind, o.Value, o.New = CAS, number(pair[0]), number(pair[1])
		default:
			continue
		}
		ops = append(ops, o)
	}
	return ops
}

var ednEvent = regexp.MustCompile(`\{[^{}]*\}`)
var ednField = regexp.MustCompile(`:(process|type|f|key|value)\s+(:[\w-]+|\[[^\]]*\]|"[^"]*"|[\w.-]+)`)

// ednEvents reads maps of keywords, without nested ones.
func ednEvents(text string) (events []call, processes, keys []string) {
	lines := regexp.MustCompile(`(?m);.*$`).ReplaceAllString(text, "")
	for _, m := range ednEvent.FindAllString(lines, -1) {
		f := map[string]string{}
		for _, field := range ednField.FindAllStringSubmatch(m, -1) {
			f[field[1]] = strings.TrimPrefix(field[2], ":")
		}
		if _, err := strconv.Atoi(f["process"]); err != nil {
			continue // the nemesis
		}
		events = append(events, call{f: f["f"], argument: f["value"], ended: f["type"]})
		processes, keys = append(processes, f["process"]), append(keys, f["key"])
	}
	return events, processes, keys
}

// parseKnossos: the register is 0 at first; a read of nil says nothing; what
// failed did not happen.
func parseKnossos(_ testing.TB, file, text string) (Object, []Op, bool) {
	if !strings.HasPrefix(file, "cas-register") {
		return 0, nil, false
	}
	events, processes, _ := ednEvents(text)
	ops := registerOps(pairCalls(events, processes), false, true)
	for i := range ops {
		o := &ops[i]
		o.Value, o.New = o.Value-1, o.New-1
	}
	return Register, ops, true
}

var limoLine = regexp.MustCompile(`^\s*\[(\d+)\] (call|return)\s*(\w*)\s*\(?([^()]*)\)?`)

// parseLimo reads "[1] call enq(1)" and "[1] return".
func parseLimo(_ testing.TB, file, text string) (Object, []Op, bool) {
	object := Queue
	if strings.Contains(file, "stack") {
		object = Stack
	}
	names := map[string]int{}
	value := func(text string) int {
		text = strings.TrimSpace(text)
		if names[text] == 0 {
			names[text] = len(names) + 1
		}
		return names[text]
	}
	open := map[string]int{}
	var ops []Op
	for n, line := range strings.Split(text, "\n") {
		m := limoLine.FindStringSubmatch(line)
		switch {
		case m == nil:
			continue
		case m[2] == "call":
			o := Op{Call: n, Unknown: true, Kind: Take}
			if m[3] == "enq" || m[3] == "push" {
				o.Kind, o.Value = Put, value(m[4])
			}
			open[m[1]] = len(ops)
			ops = append(ops, o)
			if o.Kind == Take && strings.TrimSpace(m[4]) != "" {
				// "pop(x)" says at once what it will return.
				ops[len(ops)-1].New = value(m[4])
			}
			continue
		}
		o := &ops[open[m[1]]]
		o.Return, o.Unknown = n, false
		result := strings.TrimSpace(m[3] + m[4])
		switch {
		case o.Kind == Put:
		case result == "empty" || result == "" && o.New == 0:
			o.Kind = Empty
		case result != "":
			o.Value = value(result)
		default:
			o.Value = o.New
		}
		o.New = 0
	}
	return object, ops, true
}

// parseLee reads "enq 2 0 1" and "0 1 5 ENQ 10" (thread, start, end, method, value).
func parseLee(_ testing.TB, _, text string) (Object, []Op, bool) {
	head, rest, _ := strings.Cut(text, "\n")
	object, known := map[string]Object{
		"# queue": Queue, "# stack": Stack, "# priorityqueue": PriorityQueue, "# set": Set,
	}[strings.TrimSpace(head)]
	if !known {
		return 0, nil, false
	}
	kinds := map[string]Kind{
		"enq": Put, "push": Put, "insert": Put, "deq": Take, "pop": Take, "poll": Take, "peek": Peek,
	}
	if object == Set {
		kinds = map[string]Kind{"insert": Insert, "remove": Remove, "contains": Has}
	}
	var ops []Op
	for line := range strings.Lines(rest) {
		f := strings.Fields(line)
		if len(f) < 4 {
			continue
		}
		method, value, from, to := f[0], f[1], f[2], f[3]
		if len(f) > 4 {
			method, value, from, to = f[3], f[4], f[1], f[2]
		}
		o := Op{Kind: kinds[strings.ToLower(method)]}
		o.Value, _ = strconv.Atoi(value)
		o.Call, _ = strconv.Atoi(from)
		o.Return, _ = strconv.Atoi(to)
		// What ends at the moment at which another begins, precedes it there.
		o.Call = 2*o.Call + 1
		o.Return = max(2*o.Return, o.Call)
		if o.Value == -1 && (o.Kind == Peek || o.Kind == Take) {
			o.Kind = Empty
		}
		if object == Set && f[len(f)-1] == "0" {
			o.Kind = map[Kind]Kind{Insert: Has, Remove: Lacks, Has: Lacks}[o.Kind]
		}
		ops = append(ops, o)
	}
	return object, ops, true
}

// TestRecordedHistories judges what others recorded and judged.
func TestRecordedHistories(t *testing.T) {
	for _, c := range []struct {
		name  string
		parse func(testing.TB, string, string) (Object, []Op, bool)
		least int
	}{
		{"porcupine-etcd-jepsen", parseJepsen, 50},
		{"knossos", parseKnossos, 60},
		{"limo", parseLimo, 69},
		{"lee-mathur", parseLee, 9},
	} {
		t.Run(c.name, func(t *testing.T) {
			all := collection(t, c.name, c.parse)
			engines := map[string]int{}
			for _, r := range all {
				got := Judge(context.Background(), r.object, r.ops)
				if got.Verdict != r.want {
					t.Errorf("%s: %+v, its authors say %v", r.name, got, r.want)
				}
				checkWitness(t, r.object, r.ops, got)
				engines[got.Engine]++
			}
			if len(all) < c.least {
				t.Errorf("only %d histories were judged", len(all))
			}
			t.Log(len(all), engines)
		})
	}
}

// kvInput is an operation of porcupine's key-value histories.
type kvInput struct{ f, key, value string }

// kv is a map of strings, partitioned by key.
func kv() porcupine.Model {
	seed := maphash.MakeSeed()
	return porcupine.Model{
		Hash: func(state any) uint64 { return maphash.String(seed, state.(string)) },
		Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
			byKey := map[string][]porcupine.Operation{}
			for _, o := range history {
				k := o.Input.(kvInput).key
				byKey[k] = append(byKey[k], o)
			}
			var all [][]porcupine.Operation
			for _, part := range byKey {
				all = append(all, part)
			}
			return all
		},
		Init: func() any { return "" },
		Step: func(state, input, output any) (bool, any) {
			switch i := input.(kvInput); i.f {
			case "get":
				return output == state, state
			case "put":
				return true, i.value
			default:
				return true, state.(string) + i.value
			}
		},
	}
}

// kvHistory reads the EDN-like lines of a key-value history.
func kvHistory(text string) []porcupine.Operation {
	events, processes, keys := ednEvents(text)
	var history []porcupine.Operation
	for _, c := range pairCalls(events, processes) {
		o := porcupine.Operation{Input: kvInput{c.f, keys[c.call], strings.Trim(c.argument, `"`)}, Call: int64(c.call), Return: int64(c.back)}
		if c.ended == "" {
			o.Return = int64(len(events))
		}
		o.Output = strings.Trim(c.result, `"`)
		history = append(history, o)
	}
	return history
}

// TestKeyValueHistories judges by a model of the user's, through JudgeModel.
func TestKeyValueHistories(t *testing.T) {
	judged := 0
	for _, r := range collection(t, "porcupine-kv", func(_ testing.TB, _, text string) (Object, []Op, bool) { return 0, nil, true }) {
		text, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "histories", "porcupine-kv", r.name))
		if err != nil {
			t.Fatal(err)
		}
		history := kvHistory(string(text))
		got := JudgeModel(context.Background(), kv(), history)
		if got.Verdict != r.want {
			t.Errorf("%s: %+v, its authors say %v", r.name, got, r.want)
		}
		judged++
		t.Log(r.name, len(history), got.Reason)
	}
	if judged != 6 {
		t.Errorf("%d histories were judged", judged)
	}
}
