package foreign_test

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shakedown-dev/shakedown/history"
	"github.com/shakedown-dev/shakedown/history/edn"
	"github.com/shakedown-dev/shakedown/history/foreign"
)

// corpus is where the histories of others lie, beside the repository.
const corpus = "../../../shared/histories"

// files returns the histories of the corpus in a folder of it.
func files(t *testing.T, folder string) []string {
	t.Helper()
	if _, err := os.Stat(corpus); err != nil {
		t.Skipf("the histories of others are not here: %v", err)
	}
	var found []string
	err := filepath.WalkDir(filepath.Join(corpus, folder), func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && !strings.HasSuffix(path, ".tsv") {
			found = append(found, path)
		}
		return err
	})
	if err != nil || len(found) == 0 {
		t.Fatalf("%s: %d files, %v", folder, len(found), err)
	}
	return found
}

// Without this test a file could be read in part, and the judgement be of that
// part. What is counted is counted by other means than reading.
func TestEveryFileIsReadWhole(t *testing.T) {
	type counter func(t *testing.T, text []byte, h *history.History)
	for folder, test := range map[string]struct {
		format []foreign.Format
		count  counter
	}{
		"elle":                  {[]foreign.Format{foreign.JepsenEDN}, countEDN},
		"elle-cli":              {[]foreign.Format{foreign.JepsenEDN, foreign.JepsenJSON}, countEDN},
		"elle-unit-list-append": {[]foreign.Format{foreign.JepsenEDN}, countEDN},
		"elle-unit-rw-register": {[]foreign.Format{foreign.JepsenEDN}, countEDN},
		"jepsen-checkers":       {[]foreign.Format{foreign.JepsenEDN}, countEDN},
		"knossos":               {[]foreign.Format{foreign.JepsenEDN}, countEDN},
		"porcupine-kv":          {[]foreign.Format{foreign.PorcupineKV}, countEDN},
		"porcupine-etcd-jepsen": {[]foreign.Format{foreign.JepsenLog}, countLog},
		"awdit":                 {[]foreign.Format{foreign.AWDIT}, countAWDIT},
		"real-db-violations":    {[]foreign.Format{foreign.Plume}, countPlume},
		"limo":                  {[]foreign.Format{foreign.LiMo}, countLiMo},
		"lee-mathur":            {[]foreign.Format{foreign.LeeMathur}, countLeeMathur},
	} {
		t.Run(folder, func(t *testing.T) {
			for _, path := range files(t, folder) {
				t.Run(filepath.Base(path), func(t *testing.T) {
					text, err := os.ReadFile(path)
					if err != nil {
						t.Fatal(err)
					}
					h, format, err := foreign.ReadAny(bytes.NewReader(text), "")
					if err != nil || !slices.Contains(test.format, format) {
						t.Fatalf("%v: %v", format, err)
					}
					test.count(t, text, h)
					checkExport(t, h)
					if named := foreign.Sniff(text[:min(len(text), 512)], path); named != format {
						t.Errorf("it is %v by its name and first bytes, else %v", named, format)
					}
				})
			}
		})
	}
}

// checkExport has h written for Jepsen and read again.
func checkExport(t *testing.T, h *history.History) {
	var out bytes.Buffer
	if err := edn.Write(&out, h); err != nil {
		t.Fatal(err)
	}
	back, err := edn.Read(&out, edn.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(h.Ops, back.Ops) { // cmp.Diff takes seconds to say so
		t.Errorf("exported and read again (-want +got):\n%.2000s", cmp.Diff(h.Ops, back.Ops))
	}
}

// count returns how often the pattern is in the text.
func count(pattern string, text []byte) int {
	return len(regexp.MustCompile(pattern).FindAll(text, -1))
}

func expect(t *testing.T, what string, got, want int) {
	t.Helper()
	if got != want || want == 0 {
		t.Errorf("%d %s, not %d", got, what, want)
	}
}

// countEDN compares the events of each type, in EDN or JSON. Invocations that
// nobody recorded have been added where a completion has none.
func countEDN(t *testing.T, text []byte, h *history.History) {
	types := map[history.Type]int{}
	for _, op := range h.Ops {
		types[op.Type]++
	}
	invoked := 0
	for typ := history.Invoke; typ <= history.Info; typ++ {
		found := count(`(:type\s+:|"type":")`+typ.String()+`\b`, text)
		if typ == history.Invoke {
			invoked = found
			continue
		}
		if types[typ] != found {
			t.Errorf("%d events of type %v, not %d", types[typ], typ, found)
		}
	}
	if want := invoked + orphans(text); types[history.Invoke] != want || len(h.Operations()) != want || len(h.Ops) == 0 {
		t.Errorf("%d invocations, %d operations, not %d", types[history.Invoke], len(h.Operations()), want)
	}
}

// orphans counts the completions without an invocation in files of Elle's unit
// tests, which write their events a map a line, type behind process.
func orphans(text []byte) int {
	open, found := map[string]bool{}, 0
	for _, m := range regexp.MustCompile(`(?m)^\{.*:process (\d+), :type :(\w+)`).FindAllSubmatch(text, -1) {
		process, invoke := string(m[1]), string(m[2]) == "invoke"
		if !invoke && !open[process] {
			found++
		}
		open[process] = invoke
	}
	return found
}

func countLog(t *testing.T, text []byte, h *history.History) {
	expect(t, "events", len(h.Ops), bytes.Count(bytes.TrimSpace(text), []byte("\n"))+1)
	expect(t, "invocations", len(h.Operations()), count(`\s:invoke\s`, text))
}

// countMicro counts the micro-operations of the completions.
func countMicro(t *testing.T, h *history.History) (writes, reads int) {
	t.Helper()
	if !h.SessionOnly {
		t.Error("the order between sessions is taken for known")
	}
	for _, o := range h.Operations() {
		var micro [][]any
		if err := json.Unmarshal(o.Value(), &micro); err != nil || o.Invoke.F != "txn" || o.Complete == nil {
			t.Fatalf("%v: %v", o.Invoke, err)
		}
		for _, m := range micro {
			if m[0] == "w" {
				writes++
			} else {
				reads++
			}
		}
	}
	return writes, reads
}

func countAWDIT(t *testing.T, text []byte, h *history.History) {
	writes, reads := countMicro(t, h)
	expect(t, "writes", writes, count(`(?m)^w `, text))
	expect(t, "reads", reads, count(`(?m)^r `, text))
	expect(t, "transactions", len(h.Operations()), count(`(?m)(^[rw].*\n?)+`, text))
	sessions := map[int]bool{}
	for _, op := range h.Ops {
		sessions[op.Process] = true
	}
	expect(t, "sessions", len(sessions), 1+count(`(?m)^=+$`, text))
}

func countPlume(t *testing.T, text []byte, h *history.History) {
	writes, reads := countMicro(t, h)
	expect(t, "writes", writes, count(`(?m)^w\(`, text))
	expect(t, "reads", reads, count(`(?m)^r\(`, text))
	transactions, sessions := map[string]bool{}, map[string]bool{}
	for _, m := range regexp.MustCompile(`,(\d+),(-?\d+)\)`).FindAllSubmatch(text, -1) {
		transactions[string(m[0])], sessions[string(m[1])] = true, true
	}
	expect(t, "transactions", len(h.Operations()), len(transactions))
	processes := map[int]bool{}
	for _, op := range h.Ops {
		processes[op.Process] = true
	}
	expect(t, "sessions", len(processes), len(sessions))
}

func countLiMo(t *testing.T, text []byte, h *history.History) {
	done := 0
	for _, o := range h.Operations() {
		if o.Type() == history.OK {
			done++
		}
	}
	expect(t, "calls", len(h.Operations()), count(`(?m)^\s*\[\d+\]\s+call`, text))
	expect(t, "returns", done, count(`(?m)^\s*\[\d+\]\s+return`, text))
}

func countLeeMathur(t *testing.T, text []byte, h *history.History) {
	expect(t, "operations", len(h.Operations()), count(`(?m)^[0-9a-z]`, text))
	expect(t, "events", len(h.Ops), 2*len(h.Operations()))
}

// What single operations in these files must have become.
func TestSpots(t *testing.T) {
	for _, test := range []struct {
		path  string
		index int
		want  string
	}{
		{"elle/huge-scc.edn", 2, `{"index":2,"time_ns":31076248,"process":10,"type":"ok","f":"txn","value":[["append",11,1],["r",11,[1]],["r",11,[1]]]}`},
		{"elle/huge-scc.edn", 11, `{"index":11,"time_ns":66867075,"process":4,"type":"invoke","f":"txn","value":[["append",11,3],["r",11,null],["r",9,null],["r",9,null]]}`},
		{"elle/paper-example.edn", 3, `{"index":3,"time_ns":3,"process":0,"type":"ok","f":"txn","value":[["append",255,8],["r",253,[1,3,4]]]}`},
		{"elle/si-without-g-single.edn", 7, `{"index":7,"time_ns":0,"process":9,"type":"ok","f":"txn","value":[["append",6,2],["r",9,[2]]]}`},
		{"elle-cli/elle/paper-example.json", 3, `{"index":3,"time_ns":3,"process":1,"type":"ok","f":"txn","value":[["append",255,8],["r",253,[1,3,4]]]}`},
		{"elle-cli/jepsen/bank-negative-balances.json", 3, `{"index":3,"time_ns":11341639707,"process":0,"type":"ok","f":"read","value":{"0":101,"7":-1,"1":0,"4":0,"6":0,"3":0,"2":0,"9":0,"5":0,"8":0}}`},
		{"elle-cli/jepsen/bank.edn", 1, `{"index":1,"time_ns":11245205834,"process":0,"type":"ok","f":"read","value":{"0":100,"1":0,"2":0,"3":0,"4":0,"5":0,"6":0,"7":0,"8":0,"9":0}}`},
		{"elle-cli/knossos/mutex/bad/etcd.edn", 1, `{"index":1,"time_ns":342667129,"process":1,"type":"fail","f":"release","error":"not-held"}`},
		{"elle-unit-list-append/g1a.edn", 0, `{"index":0,"time_ns":0,"process":0,"type":"invoke","f":"txn","value":[["append","x",1]]}`},
		{"jepsen-checkers/set-full-stable-2.edn", 2, `{"index":2,"time_ns":2,"process":1,"type":"ok","f":"read","value":[0]}`},
		{"knossos/cas-register/bad/rethink-fail.edn", 0, `{"index":0,"time_ns":99286665244,"process":101,"type":"invoke","f":"cas","value":[1,4]}`},
		{"porcupine-etcd-jepsen/etcd_000.log", 7, `{"index":7,"time_ns":7,"process":4,"type":"ok","f":"write","value":3}`},
		{"porcupine-kv/c10-ok.txt", 0, `{"index":0,"time_ns":0,"process":9,"type":"invoke","f":"append","key":"0","value":"x 9 0 y"}`},
		{"awdit/causal/fully-ser.txt", 7, `{"index":7,"time_ns":7,"process":2,"type":"ok","f":"txn","value":[["r",1,1]]}`},
		{"real-db-violations/cobra-cock-G2.txt", 1, `{"index":1,"time_ns":1,"process":0,"type":"ok","f":"txn","value":[["r",1,null],["r",2,null],["w",1,1]]}`},
		{"limo/simple/queue/safe/ScalObject-msq.00.hist", 1, `{"index":1,"time_ns":1,"process":1,"type":"ok","f":"dequeue"}`},
		{"limo/simple/queue/safe/ScalObject-msq.00.hist", 3, `{"index":3,"time_ns":3,"process":2,"type":"ok","f":"enqueue","value":1}`},
		{"limo/simple/stack/safe/allowed-1.hist", 7, `{"index":7,"time_ns":7,"process":1,"type":"ok","f":"pop","value":"b"}`},
		{"lee-mathur/fptlin/set/nonlin_simple_0.log", 3, `{"index":3,"time_ns":2,"process":1,"type":"ok","f":"contains","value":[2,false]}`},
		{"lee-mathur/fptlin/queue/lin_simple_0.log", 11, `{"index":11,"time_ns":12,"process":0,"type":"ok","f":"peek"}`},
		{"lee-mathur/fastlin/queue/nonlin_simple_0.log", 2, `{"index":2,"time_ns":1,"process":0,"type":"invoke","f":"enqueue","value":1}`},
	} {
		files(t, filepath.Dir(test.path))
		file, err := os.Open(filepath.Join(corpus, test.path))
		if err != nil {
			t.Fatal(err)
		}
		h, _, err := foreign.ReadAny(file, test.path)
		file.Close()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := json.Marshal(h.Ops[test.index]); err != nil || string(got) != test.want {
			t.Errorf("%s: %v\n got %s\nwant %s", test.path, err, got, test.want)
		}
	}
}

// Timed-out operations of the etcd logs are unknown, or failed if they only read.
func TestTimedOut(t *testing.T) {
	unknown, failed := 0, 0
	all := 0
	for _, path := range files(t, "porcupine-etcd-jepsen") {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		all += bytes.Count(text, []byte(":timed-out"))
		h, _, err := foreign.ReadAny(bytes.NewReader(text), path)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range h.Operations() {
			switch {
			case o.Complete == nil || o.Complete.Error != "timed-out":
			case o.Type() == history.Info && o.Invoke.F != "read" && o.Value() != nil:
				unknown++
			case o.Type() == history.Fail && o.Invoke.F == "read":
				failed++
			default:
				t.Errorf("%s: %v", path, o.Complete)
			}
		}
	}
	expect(t, "unknown", unknown, all-5)
	expect(t, "failed reads", failed, 5)
}
