package main

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/shakedown-dev/shakedown/cmd/shakedown/internal/cli"
	"github.com/shakedown-dev/shakedown/history"
)

// secret stands in everything that a client or a node says in these tests, and
// in what a scenario sets that is nobody's business. Of numbers it is the value.
const (
	secret       = "s3cret"
	secretNumber = 770077
)

// shakedown runs the command within the test.
func shakedown(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errs bytes.Buffer
	code = cli.Main(cli.Env{
		Args: args, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs,
		Getenv: func(string) string { return "" }, Now: time.Now, Chance: rand.New(rand.NewPCG(1, 2)).Uint64,
		Signals: make(chan os.Signal), Catalog: catalog(),
	})
	return out.String(), errs.String(), code
}

// A said is an operation in the tests' shorthand: what was asked for, and what
// was answered. All operations come one after the other.
type said struct {
	f, key, asked, answered string
	kind                    history.Type
}

// written makes a whole run's history of what was said, with a fault that was
// set off by a line of a log.
func written(t *testing.T, file string, all []said) {
	t.Helper()
	var ops []history.Op
	add := func(op history.Op) {
		op.Index, op.Time = len(ops), time.Duration(len(ops))*time.Millisecond
		ops = append(ops, op)
	}
	nemesis := func(f string, value any) {
		text, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		add(history.Op{Process: history.Nemesis, Type: history.Info, F: f, Value: text})
	}
	nemesis("plan", history.Announcement{Scenario: "hurt", Seed: 1, Nodes: []string{"n1", "n2"}, Clients: 2})
	nemesis("phase", history.PhaseEvent{Phase: "storm"})
	fault := history.FaultEvent{ID: "storm/pause#1", Nodes: []string{"n2"}}
	for _, stage := range []history.Stage{history.StageSetUp, history.StageInject, history.StageInForce, history.StageHeal, history.StageHealed} {
		fault.Stage, fault.Evidence = stage, ""
		if stage == history.StageSetUp {
			fault.Evidence = "n2 logged \"user " + secret + " came\""
		}
		nemesis("pause", fault)
	}
	for i, s := range all {
		op := history.Op{Process: i % 2, F: s.f, Key: s.key, Node: fmt.Sprint("n", i%2+1), Value: json.RawMessage(s.asked)}
		add(op)
		if s.answered != "" {
			op.Value = json.RawMessage(s.answered)
		}
		op.Type = s.kind
		if s.kind != history.OK {
			op.Error = "refused for " + secret
		}
		add(op)
	}
	nemesis("phase", history.PhaseEvent{Phase: "end"})
	var b bytes.Buffer
	for _, op := range ops {
		line, err := op.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		b.Write(append(line, '\n'))
	}
	if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// judgedRun is a run folder with a verdict, made without docker, and the root
// that it is in.
func judgedRun(t *testing.T, c redactCase) (root string) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range c.files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	root = filepath.Join(dir, "runs")
	folder := filepath.Join(root, "hurt", "20261122T101502Z-7f3a91")
	if err := os.MkdirAll(filepath.Join(folder, "nodes", "n1"), 0o700); err != nil {
		t.Fatal(err)
	}
	scenario := filepath.Join(dir, "hurt.yaml")
	for name, text := range map[string]string{
		scenario: strings.ReplaceAll(hurtYAML, "REST", c.never), filepath.Join(folder, "scenario.yaml"): hurtYAML,
		filepath.Join(folder, "nodes/n1/stderr.log"): "user " + secret + " came\npanic: no " + secret + "\n",
		filepath.Join(folder, "run.json"): `{"format":1,"argv":["shakedown","run","hurt.yaml","--set","system.env.API=` + secret + `"],"seed":1,
			"started":"2026-11-22T10:15:02Z","env":{"X":"` + secret + `"},"set":["system.env.API=` + secret + `"]}`,
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	plan := filepath.Join(folder, "plan.json")
	if out, errs, code := shakedown(t, "plan", scenario, "--json", "--out", plan); code != 0 {
		t.Fatalf("plan: %d\n%s%s", code, out, errs)
	}
	if c.checks != "" {
		judgeBy(t, plan, c.checks)
	}
	written(t, filepath.Join(folder, "history.jsonl"), c.said)
	return root
}

// judgeBy puts other checks into a plan than its workload would have.
func judgeBy(t *testing.T, file, checks string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var plan map[string]json.RawMessage
	var scenario map[string]json.RawMessage
	if err := json.Unmarshal(text, &plan); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(plan["scenario"], &scenario); err != nil {
		t.Fatal(err)
	}
	scenario["checks"] = json.RawMessage(checks)
	if plan["scenario"], err = json.Marshal(scenario); err != nil {
		t.Fatal(err)
	}
	if text, err = json.Marshal(plan); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// hurtYAML is a scenario that has something to hide wherever one can.
const hurtYAML = `version: 1
name: hurt
about: Something is hidden here.
system:
  image: example/store:1
  nodes: 2
  command: [/store, --token, s3cret, "--password=s3cret", --name, "{name}"]
  env: {API_KEY: s3cret, PATH: /bin}
  ports: {client: 8080}
  ready: {http: "/healthz?auth=s3cret"}
client:
  use: http
  operations:
    read: {method: GET, path: "/kv/{key}?token=s3cret", header: {Authorization: "Bearer s3cret"}}
    write: {method: PUT, path: "/kv/{key}", body: "{\"secret\": \"s3cret\", \"value\": \"{value}\"}"}
phases:
  - name: storm
    for: 5s
    faults:
      - {fault: pause, target: n2, at: 1s, for: 1s, when: {log: "user s3cret came"}}
      - {name: own, fault: custom, target: n1, at: 3s, for: 1s, inject: {run: [/hurt, --token, s3cret]}, verify: {url: "http://u:s3cret@{ip}:80/x?k=s3cret", method: POST, body: s3cret}, heal: {run: [/heal]}}
REST
`

// A redactCase is a history, what is asked about it, and the answer. never is
// what is added to the scenario, checks stand instead of its own.
type redactCase struct {
	name, checks, never, want string
	files                     map[string]string
	said                      []said
}

func redactCases() []redactCase {
	word := func(n int) string { return fmt.Sprintf("%q", fmt.Sprint(secret, "-", n)) }
	number := func(n int) string { return fmt.Sprint(secretNumber + n) }
	key := secret + "-key"
	ok, fail, info := history.OK, history.Fail, history.Info
	stale := []said{{"write", key, word(1), "", ok}, {"write", key, word(2), "", ok}, {"read", key, "", word(1), ok}, {"write", key, word(3), "", info}}
	numbers := []said{{"write", key, number(1), "", ok}, {"write", key, number(2), "", ok}, {"read", key, "", number(2), ok}, {"write", key, number(3), "", fail}}
	return []redactCase{
		{"a register, violation", `[{"check": "linearizable", "model": "register"}, {"check": "logs", "forbid": ["panic:"]}]`, "", "violation", nil, stale},
		{"a register of numbers, valid", `[{"check": "linearizable", "model": "register"}]`, "", "valid", nil, numbers},
		{"a queue by its model", `[{"check": "linearizable", "model": "queue"}]`, "", "violation", nil, []said{
			{"enqueue", key, word(1), "", ok}, {"enqueue", key, word(2), "", ok}, {"dequeue", key, "", word(2), ok}, {"dequeue", key, "", word(1), ok}}},
		{"a queue, drained", `[{"check": "total-queue"}]`, "", "violation", nil, []said{
			{"enqueue", "", word(1), "", ok}, {"enqueue", "", word(2), "", ok}, {"drain", "", "", "[" + word(2) + "]", ok}}},
		{"a set", `[{"check": "set-full"}]`, "", "violation", nil, []said{
			{"add", "", word(1), "", ok}, {"read", "", "", "[" + word(1) + "]", ok}, {"read", "", "", "[]", ok}, {"read", "", "", "[]", ok}}},
		{"transactions on lists", `[{"check": "list-append", "isolation": "serializable"}]`, "", "violation", nil, []said{
			{"txn", "", `[["append","` + key + `",` + word(1) + `]]`, "", ok}, {"txn", "", `[["append","` + key + `",` + word(2) + `]]`, "", ok},
			{"txn", "", `[["r","` + key + `",null]]`, `[["r","` + key + `",[` + word(1) + `,` + word(2) + `]]]`, ok},
			{"txn", "", `[["r","` + key + `",null]]`, `[["r","` + key + `",[` + word(2) + `,` + word(1) + `]]]`, ok}}},
		{"transactions on registers", `[{"check": "rw-register", "isolation": "read-committed"}]`, "", "violation", nil, []said{
			{"txn", "", `[["w","` + key + `",` + number(1) + `]]`, "", fail}, {"txn", "", `[["r","` + key + `",null]]`, `[["r","` + key + `",` + number(1) + `]]`, ok}}},
		{"a bank", `[{"check": "bank"}]`, "", "violation", nil, []said{
			{"read", "", "", `{"` + secret + `-a":50,"` + secret + `-b":50}`, ok}, {"read", "", "", `{"` + secret + `-a":50,"` + secret + `-b":30}`, ok}}},
		{"a counter", `[{"check": "counter"}]`, "", "violation", nil, []said{{"add", "", number(0), "", ok}, {"add", "", number(0), "", fail}, {"read", "", "", number(5), ok}}},
		{"a rule of one's own that compares", "", "never:\n  - {name: nobody-reads-twice, spec: rules.star}", "violation",
			map[string]string{"rules.star": `invariant(name = "nobody-reads-twice", says = "What is written is read.", of = "read", never = lambda op: op.value != None)` + "\n"}, stale},
		{"a rule that names a number", "", "never:\n  - {name: nobody-reads-much, where: \"op.f == 'read' and op.value > 770000\"}", "violation", nil, numbers},
		{"a rule of ours", "", "never:\n  - {name: fenced, use: lock-fencing}", "violation", nil, []said{
			{"acquire", key, "", number(1), ok}, {"acquire", key, "", number(2), ok}, {"write", key, number(2), "", ok}, {"write", key, number(1), "", ok}}},
		{"a program of one's own", "", "never:\n  - {name: mine, run: [sh, judge.sh, --token, s3cret]}", "violation",
			map[string]string{"judge.sh": "n=$(grep -c '\"f\":\"read\"'); if [ \"$n\" = 2 ]; then echo '{\"verdict\": \"violation\", \"says\": [\"Two lines are about reads.\"]}'; else echo '{\"verdict\": \"valid\"}'; fi\n"}, stale},
	}
}

// What is redacted holds nothing of what clients and nodes said, in no file and
// in no form, and is judged the same, check by check; and the same search finds
// it in what is not redacted.
func TestRedactedBundlesKeepTheVerdictAndNoSecret(t *testing.T) {
	for _, c := range redactCases() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel() // most of the time is waiting for the disk
			dir := t.TempDir()
			open, hidden := filepath.Join(dir, "open.zip"), filepath.Join(dir, "hidden.zip")
			root := judgedRun(t, c)
			before := verdictsOf(t, "check", "latest", "--out", root, "--json")
			if _, errs, code := shakedown(t, "export", "latest", "--out", root, "-o", open); code != 0 {
				t.Fatalf("export: %d\n%s", code, errs)
			}
			_, errs, code := shakedown(t, "export", "latest", "--out", root, "--redact", "-o", hidden)
			if code != 0 {
				t.Fatalf("export --redact: %d\n%s", code, errs)
			}
			if !strings.Contains(before, c.want) {
				t.Errorf("before: %s, and %s was meant", before, c.want)
			}
			if after := verdictsOf(t, "check", hidden, "--json"); after != before {
				t.Errorf("redacted: %s\nbefore:   %s", after, before)
			}
			kept := strings.Contains(errs, "numbers")
			for name, text := range contents(t, hidden) {
				if strings.Contains(strings.ToLower(text), secret) || !kept && strings.Contains(text, fmt.Sprint(secretNumber/10)) {
					t.Errorf("something is left in %s: %s", name, around(text))
				}
			}
			found := map[string]bool{}
			for name, text := range contents(t, open) {
				if strings.Contains(text, secret) {
					found[name] = true
				}
			}
			for _, name := range []string{"plan.json", "history.jsonl", "run.json", "nodes/n1/stderr.log", "report.html", "report.html, unpacked"} {
				if !found[name] {
					t.Errorf("the search finds nothing in the %s that is not redacted", name)
				}
			}
		})
	}
}

// verdictsOf are the verdicts that a command prints, the run's own first.
func verdictsOf(t *testing.T, args ...string) string {
	t.Helper()
	stdout, stderr, _ := shakedown(t, args...)
	var a struct {
		Verdict string `json:"verdict"`
		Checks  []struct {
			Check   string   `json:"check"`
			Verdict string   `json:"verdict"`
			Says    []string `json:"says"`
		} `json:"checks"`
	}
	if err := json.Unmarshal([]byte(stdout), &a); err != nil {
		t.Fatalf("%v: %v\n%s%s", args, err, stdout, stderr)
	}
	out := a.Verdict
	for _, c := range a.Checks {
		out += fmt.Sprintf("; %s %s", c.Check, c.Verdict)
	}
	return out
}

// contents are the files of a bundle, and what is packed inside its page.
func contents(t *testing.T, file string) map[string]string {
	t.Helper()
	z, err := zip.OpenReader(file)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	out := map[string]string{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		_, name, _ := strings.Cut(f.Name, "/") // below the run's own folder
		out[name] = string(text)
		if name == "report.html" {
			out[name+", unpacked"] = unpackedColumns(t, text)
		}
	}
	return out
}

// columnsPattern is where the operations stand in a page.
var columnsPattern = regexp.MustCompile(`(?s)<script type="text/plain" id="columns">(.*?)</script>`)

// unpackedColumns is what the page's script makes of its letters.
func unpackedColumns(t *testing.T, page []byte) string {
	t.Helper()
	m := columnsPattern.FindSubmatch(page)
	if m == nil {
		t.Fatal("the page has no columns")
	}
	text, err := io.ReadAll(flate.NewReader(bytes.NewReader(bytesOf(m[1]))))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// bytesOf is the way back from the letters of a page: five of them are four bytes.
func bytesOf(text []byte) []byte {
	const digits = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?_;~()[]{}@%$#"
	var out []byte
	for i := 0; i < len(text); i += 5 {
		five := append(bytes.Clone(text[i:min(i+5, len(text))]), "####"...)[:5]
		v := uint64(0)
		for _, c := range five {
			v = v*85 + uint64(strings.IndexByte(digits, c))
		}
		out = binary.BigEndian.AppendUint32(out, uint32(v))[:len(out)+min(4, len(text)-i-1)]
	}
	return out
}

// around is what stands around the secret.
func around(text string) string {
	i := max(strings.Index(text, secret), strings.Index(text, fmt.Sprint(secretNumber/10)))
	return text[max(0, i-60):min(len(text), i+60)]
}
