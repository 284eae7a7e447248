package checkers

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shakedown-dev/shakedown/checkers/say"
	"github.com/shakedown-dev/shakedown/history"
)

// TestVerdictText: the words stand in result.json and in scenarios.
func TestVerdictText(t *testing.T) {
	for v, want := range map[Verdict]string{Unknown: `"unknown"`, Valid: `"valid"`, Violation: `"violation"`} {
		data, err := json.Marshal(v)
		if err != nil || string(data) != want {
			t.Errorf("%d is written %s (%v), want %s", v, data, err, want)
		}
		var back Verdict
		if err := json.Unmarshal(data, &back); err != nil || back != v {
			t.Errorf("%s is read as %v (%v)", data, back, err)
		}
	}
	if _, err := json.Marshal(Verdict(3)); err == nil {
		t.Error("a fourth verdict can be written")
	}
	var v Verdict
	for _, bad := range []string{`"ok"`, `""`, `"Valid"`, `1`} {
		if err := json.Unmarshal([]byte(bad), &v); err == nil {
			t.Errorf("%s is read as a verdict", bad)
		}
	}
	if got := Verdict(9).String(); got != "Verdict(9)" {
		t.Errorf("the ninth verdict is called %s", got)
	}
}

// TestSummarize: one check that did not earn its pass takes the whole's away,
// and nothing takes a violation away.
func TestSummarize(t *testing.T) {
	for _, c := range []struct {
		verdicts []Verdict
		want     Verdict
	}{
		{nil, Unknown},
		{[]Verdict{Valid}, Valid},
		{[]Verdict{Valid, Valid}, Valid},
		{[]Verdict{Valid, Unknown}, Unknown},
		{[]Verdict{Unknown, Valid}, Unknown},
		{[]Verdict{Unknown, Violation}, Violation},
		{[]Verdict{Violation, Unknown}, Violation},
		{[]Verdict{Valid, Violation, Valid}, Violation},
	} {
		var results []Result
		for _, v := range c.verdicts {
			results = append(results, Result{Verdict: v})
		}
		if got := summarize(results).Verdict; got != c.want {
			t.Errorf("%v make %v, want %v", c.verdicts, got, c.want)
		}
	}
}

// A fake is a checker that does what it is told.
type fake struct {
	name string
	do   func(context.Context) Result
}

func (f fake) Name() string { return f.name }

func (f fake) Check(ctx context.Context, _ *history.History) Result { return f.do(ctx) }

func verdict(v Verdict) func(context.Context) Result {
	return func(context.Context) Result { return Result{Check: "fake", Verdict: v} }
}

// TestAPanicHarmsNoOther: a broken checker is Unknown, says so, and the others
// still come to their verdicts.
func TestAPanicHarmsNoOther(t *testing.T) {
	s := Run(context.Background(), history.New(nil), []Checker{
		fake{"good", verdict(Valid)},
		fake{"broken", func(context.Context) Result { panic("off by one") }},
		fake{"bad", verdict(Violation)},
	})
	if s.Verdict != Violation || s.Results[0].Verdict != Valid || s.Results[2].Verdict != Violation {
		t.Errorf("the others came out as %v", s)
	}
	broken := s.Results[1]
	if broken.Check != "broken" || broken.Verdict != Unknown || !strings.Contains(broken.Says[0], "off by one") {
		t.Errorf("the broken one came out as %+v", broken)
	}
	var stack bytes.Buffer
	if err := broken.Pages[0].Write(&stack); err != nil || !strings.Contains(stack.String(), "run_test.go") {
		t.Errorf("its page does not say where: %v %s", err, &stack)
	}
}

// TestTimeout: each check has its own, and a zero one is not no time at all.
func TestTimeout(t *testing.T) {
	wait := func(ctx context.Context) Result {
		<-ctx.Done()
		return Result{Says: []string{context.Cause(ctx).Error()}}
	}
	alive := func(ctx context.Context) Result {
		if _, limited := ctx.Deadline(); ctx.Err() == nil && limited {
			return Result{Verdict: Valid}
		}
		return Result{}
	}
	s := Run(context.Background(), history.New(nil), []Checker{
		Limited(fake{"slow", wait}, time.Millisecond),
		Limited(fake{"zero", alive}, 0),
		fake{"default", alive},
	})
	if s.Results[0].Verdict != Unknown || s.Results[0].Says[0] != context.DeadlineExceeded.Error() || s.Results[0].Took <= 0 {
		t.Errorf("the slow one: %+v", s.Results[0])
	}
	if s.Results[1].Verdict != Valid || s.Results[2].Verdict != Valid {
		t.Errorf("those without a timeout of their own: %+v", s.Results[1:])
	}
}

// TestImpossibleHistory: what cannot have happened is not judged by anyone.
func TestImpossibleHistory(t *testing.T) {
	h := history.New([]history.Op{{Index: 0, Type: history.OK, F: "read"}})
	s := Run(context.Background(), h, []Checker{Stats(), ofRegisters(t)})
	for _, r := range s.Results {
		if r.Verdict != Unknown || !strings.Contains(r.Says[0], "cannot have happened") {
			t.Errorf("%+v", r)
		}
	}
}

// TestOptions: what makes no sense is refused before anything is judged.
func TestOptions(t *testing.T) {
	_, noModel := Linearizable("regster", RegisterOptions{})
	_, negative := Earned(-1, false)
	_, never := Recovery(0)
	_, nothing := Logs(nil, nil)
	_, everything := Logs([]string{"panic:", ""}, nil)
	for name, err := range map[string]error{"model": noModel, "ok": negative, "within": never, "no words": nothing, "an empty word": everything} {
		if err == nil {
			t.Errorf("a wrong %s is accepted", name)
		}
	}
}

// ofRegisters is the check of histories of registers.
func ofRegisters(t testing.TB) Checker {
	t.Helper()
	c, err := Linearizable("register", RegisterOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestEach: all are done, never more than width at a time.
func TestEach(t *testing.T) {
	for _, c := range []struct{ n, width int }{{0, 3}, {1, 3}, {10, 3}, {3, 10}} {
		var running, most, sum atomic.Int64
		Each(c.n, c.width, func(i int) {
			if now := running.Add(1); now > most.Load() {
				most.Store(now)
			}
			sum.Add(int64(i) + 1)
			running.Add(-1)
		})
		if sum.Load() != int64(c.n*(c.n+1)/2) || most.Load() > int64(c.width) {
			t.Errorf("%+v: sum %d, at most %d at a time", c, sum.Load(), most.Load())
		}
	}
}

// TestCanonical: what is equal as JSON is equal as text, and nothing else is.
func TestCanonical(t *testing.T) {
	for _, same := range [][]string{
		{"", "null", " null "}, {"1", "1.0", "1e0", "10e-1", " 1"}, {"-0", "0", "0.0"},
		{`{"a":1,"b":[2]}`, `{ "b": [2.0], "a": 1 }`}, {`"ä"`, `"\u00e4"`}, {"1e300", "10e299"},
		{"100000000000000000000"}, {"100000000000000000001"}, {"0.1"}, {"0.10000000000000000001"},
		{"9007199254740993"}, {"9007199254740992"}, {`"1"`}, {"[1]"}, {"true"}, {"nonsense"},
	} {
		want := Canonical(json.RawMessage(same[0]))
		for _, text := range same {
			if got := Canonical(json.RawMessage(text)); got != want {
				t.Errorf("%s is %s, but %s is %s", text, got, same[0], want)
			}
		}
	}
	seen := map[string]string{}
	for _, text := range []string{"null", "1", "-1", `"1"`, "0", "[1]", "true", "0.1", "0.10000000000000000001",
		"100000000000000000000", "100000000000000000001", "9007199254740993", "9007199254740992", "1e400", "1e401"} {
		if other, dup := seen[Canonical(json.RawMessage(text))]; dup {
			t.Errorf("%s and %s are one value", text, other)
		}
		seen[Canonical(json.RawMessage(text))] = text
	}
}

// TestWords writes what sentences are made of.
func TestWords(t *testing.T) {
	got := []string{
		say.Span(85 * time.Microsecond), say.Span(416 * time.Millisecond), say.Span(1250 * time.Millisecond), say.Span(17234 * time.Millisecond),
		say.Moment(22318 * time.Millisecond), say.Enumerate(nil), say.Enumerate([]string{"n1"}), say.Enumerate([]string{"n1", "n2", "n3"}),
		say.Few([]string{"a", "b", "c"}, 2), say.Cut("äöüß", 3), say.Number(1, "key"), say.Number(2, "key"), say.Capital(""), gap(5, 5), gap(0, time.Millisecond),
	}
	want := []string{"85µs", "416ms", "1.25s", "17.2s", "22.318s", "", "n1", "n1, n2 and n3", "a, b and 1 more", "äö…", "1 key", "2 keys", "", "just", "1ms"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// hard is a history that no search gets through: more writes of few values open
// at once than ours takes, and reads that no order of them explains, so that
// porcupine has to try all; its other key is easy.
func hard() *history.History {
	var ops []history.Op
	add := func(op history.Op) {
		op.Index, op.Time = len(ops), time.Duration(len(ops))
		ops = append(ops, op)
	}
	write := func(p int, is history.Type) {
		add(history.Op{Process: p, Type: is, F: "write", Key: "hard", Value: json.RawMessage(fmt.Sprint(1 + p%20))})
	}
	for p := range 70 {
		write(p, history.Invoke)
	}
	for i := range 100 {
		read := history.Op{Process: 70, F: "read", Key: "hard"}
		add(read)
		read.Type, read.Value = history.OK, json.RawMessage(fmt.Sprint(1+i%20))
		add(read)
	}
	for p := range 70 {
		write(p, history.OK)
	}
	easy := history.Op{Process: 71, F: "read", Key: "easy"}
	add(easy)
	easy.Type = history.OK
	add(easy)
	return history.New(ops)
}

// TestOutOfTime: the verdict is then Unknown, never Valid, says how far it got,
// and comes: porcupine alone would search for years.
func TestOutOfTime(t *testing.T) {
	s := Run(context.Background(), hard(), []Checker{Limited(ofRegisters(t), 100*time.Millisecond)})
	want := []string{
		"Of 2 keys 1 could be judged, and 1 is linearizable; no operation has an unknown result; decided by zones.",
		"Not judged: key hard (its time was up).",
	}
	if r := s.Results[0]; r.Verdict != Unknown || !slices.Equal(r.Says, want) {
		t.Errorf("%v %q", r.Verdict, r.Says)
	}
}

// TestOutOfTimeFromTheBeginning: with no time at all nothing is judged.
func TestOutOfTimeFromTheBeginning(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	h := randomHistory(rand.New(rand.NewPCG(1, 2)), shape{processes: 3, operations: 50, keys: 3, lies: 30})
	r := linearizable{model: models()[0]}.Check(ctx, h)
	if r.Verdict != Unknown || r.Counts["keys_not_judged"] != 3 {
		t.Errorf("%v %v", r.Says, r.Counts)
	}
}

// TestOutOfMemory: a search stops before it takes the machine with it.
func TestOutOfMemory(t *testing.T) {
	r := registers(hard(), linearizable{}, null)[0]
	stop := &stopper{left: 1 << 20, state: 1 << 10}
	m := stop.model()
	state, ok := any(initial), true
	for range 1 << 10 {
		if ok, state = m.Step(state, &r.accesses[0], nil); !ok {
			t.Fatal("stopped with memory left")
		}
	}
	if ok, _ = m.Step(state, &r.accesses[0], nil); !ok || !stop.stopped.Load() {
		t.Error("did not stop when there was none left")
	}
	if ok, _ = m.Step(state, &r.accesses[0], nil); ok {
		t.Error("went on after it had stopped")
	}
}

// TestGuard: a bug that one key meets leaves the others their verdicts.
func TestGuard(t *testing.T) {
	k := &judgement{register: &register{key: "x"}, verdict: Valid}
	k.guard(func() { panic("off by one") })
	if k.verdict != Unknown || !strings.Contains(k.reason, "off by one") {
		t.Errorf("%v %q", k.verdict, k.reason)
	}
	// And one that is met in telling a violation does not hide it.
	k.found = &contradiction{pattern: stale}
	if says := k.tell(); len(says) != 1 || !strings.HasPrefix(says[0], "Key x is not linearizable") {
		t.Errorf("%q", says)
	}
}

// TestPages: a violation brings its events, as they stand in the history, and
// porcupine's picture of them, small enough to open, with the faults.
func TestPages(t *testing.T) {
	h := parseHistory(t, `
fault storm/pause#1 pause n3 [8,20] "state T of pid 71"
p1 n1 write a/b 1 [0,1] ok
p1 n1 write a/b 2 [2,3] ok
p4 n4 write a/b 3 [4,5] info "timed out"
p3 n3 read a/b 1 [12,13] ok
p5 n5 cas a/b [2,6] [12,14] ok
p6 n5 read a/b 6 [12,15] info
`)
	r := judgeHistory(h)
	if r.Verdict != Violation || len(r.Pages) != 2 {
		t.Fatalf("%v %v", r.Verdict, r.Pages)
	}
	pages := map[string]string{}
	for _, p := range r.Pages {
		var b strings.Builder
		if err := p.Write(&b); err != nil {
			t.Fatalf("%s: %v", p.Name, err)
		}
		pages[p.Name] = b.String()
	}
	var indexes []int
	for line := range strings.Lines(pages["counterexample.jsonl"]) {
		var op history.Op
		if err := json.Unmarshal([]byte(line), &op); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if diff := cmp.Diff(h.Ops[op.Index], op); diff != "" {
			t.Errorf("#%d (-want +got)\n%s", op.Index, diff)
		}
		indexes = append(indexes, op.Index)
	}
	if !slices.Equal(indexes, r.Evidence) {
		t.Errorf("the page has the events %v, the evidence is %v", indexes, r.Evidence)
	}
	page := pages["porcupine-a_b.html"]
	for _, want := range []string{"storm/pause#1", "n3 was paused", "write 2", "read 1", "cas 2 → 6", "<html"} {
		if !strings.Contains(page, want) && !strings.Contains(page, strings.ReplaceAll(want, "→", `→`)) {
			t.Errorf("the picture lacks %q", want)
		}
	}
	if len(page) > 200_000 {
		t.Errorf("the picture has %d bytes", len(page))
	}
}

// TestWindow: around the contradiction of a long history at most windowSize
// operations are shown, and they are wrong like the whole, and no wronger.
func TestWindow(t *testing.T) {
	for seed := range uint64(30) {
		rng := rand.New(rand.NewPCG(seed, 3))
		h := randomHistory(rng, shape{processes: 5, operations: 600, keys: 1, cas: 20, info: 5})
		read, ok := plantStaleRead(h, rng)
		if !ok {
			t.Fatal("no read to plant")
		}
		k := &judgement{register: registers(h, linearizable{model: models()[1]}, null)[0]}
		k.glance(context.Background(), nil)
		shown := window(k)
		if len(shown) > windowSize || len(shown) < windowSize/2 {
			t.Errorf("seed %d: %d operations are shown", seed, len(shown))
		}
		if verdict, _ := search(context.Background(), shown); verdict != Violation {
			t.Errorf("seed %d: what is shown is %v", seed, verdict)
		}
		right := slices.DeleteFunc(shown, func(a access) bool { return a.ret == read })
		if verdict, _ := search(context.Background(), right); verdict != Valid {
			t.Errorf("seed %d: without the planted read, what is shown is %v", seed, verdict)
		}
	}
}

func TestPictureName(t *testing.T) {
	for key, want := range map[string]string{"": "register", "r3": "r3", "../../etc/passwd": "______etc_passwd", `a"<ä`: "a___"} {
		if got := PictureName(key); got != "porcupine-"+want+".html" {
			t.Errorf("%q is called %q, want %q", key, got, want)
		}
	}
}

// TestLongLogLine: a string is found wherever it is in a line of any length,
// even across the pieces in which it is read, once per line, and quoted.
func TestLongLogLine(t *testing.T) {
	for _, at := range []int{0, 150, longestLine - 3, longestLine, 3*longestLine - 2} {
		line := strings.Repeat("a", at) + "panic: x" + strings.Repeat("b", 2*longestLine)
		files := fstest.MapFS{"n1/stdout.log": {Data: []byte("first\n" + line + "\nlast, without a newline")}}
		r := logs{forbid: []string{"panic:"}, files: files}.Check(context.Background(), history.New(nil))
		if r.Verdict != Violation || r.Counts["matches"] != 1 || r.Counts["lines"] != 3 {
			t.Fatalf("at %d: %v %v", at, r.Verdict, r.Counts)
		}
		if says := r.Says[0]; !strings.Contains(says, "line 2 ") || !strings.Contains(says, ": x") || len(says) > 300 {
			t.Errorf("at %d: %s", at, says)
		}
	}
}

// TestLogsOfAnyName: a host's log is read as well, what the engine says is no log.
func TestLogsOfAnyName(t *testing.T) {
	files := fstest.MapFS{
		"n1/stdout.log":   {Data: []byte("all is well\n")},
		"n1/messages":     {Data: []byte("panic: here\n")},
		"n1/inspect.json": {Data: []byte(`{"Cmd": "panic: nowhere"}`)},
	}
	r := logs{forbid: []string{"panic:"}, files: files}.Check(context.Background(), history.New(nil))
	if r.Verdict != Violation || r.Counts["files"] != 2 || r.Counts["matches"] != 1 {
		t.Errorf("%v %v %q", r.Verdict, r.Counts, r.Says)
	}
}

// A brokenFS opens files that cannot be read to their end.
type brokenFS struct{ fstest.MapFS }

func (b brokenFS) Open(name string) (fs.File, error) {
	f, err := b.MapFS.Open(name)
	if strings.HasSuffix(name, ".log") && err == nil {
		return brokenFile{f}, nil
	}
	return f, err
}

func (b brokenFS) ReadDir(name string) ([]fs.DirEntry, error) { return b.MapFS.ReadDir(name) }

type brokenFile struct{ fs.File }

func (brokenFile) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// TestUnreadableLogs: what was not read is not clean.
func TestUnreadableLogs(t *testing.T) {
	files := fstest.MapFS{"n1/stdout.log": {Data: []byte("all is well\n")}}
	r := logs{forbid: []string{"panic:"}, files: brokenFS{files}}.Check(context.Background(), history.New(nil))
	if r.Verdict != Unknown || !strings.Contains(r.Says[0], "was not read to its end") {
		t.Errorf("%v %q", r.Verdict, r.Says)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	r = logs{forbid: []string{"panic:"}, files: files}.Check(ctx, history.New(nil))
	if r.Verdict != Unknown {
		t.Errorf("without time: %v %q", r.Verdict, r.Says)
	}
}
