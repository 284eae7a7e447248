package nemesis

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	gofail "go.etcd.io/gofail/runtime"
)

// A local is a bench whose nodes are this machine.
type local struct{ *bench }

func (l local) Address(string) string { return "127.0.0.1" }

func (l local) Exec(_ context.Context, node string, command []string) (string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked = append(l.asked, "exec "+node+" "+strings.Join(command, " "))
	return "done on " + node, nil
}

// runCustom carries a custom fault out in real time, and returns its events.
func runCustom(t *testing.T, c Custom, nodes ...string) (events string, l local) {
	t.Helper()
	l = local{&bench{answer: obliging}}
	if c.Within == 0 {
		c.Within = 5 * time.Second
	}
	in := Injection{ID: "storm/custom#1", Fault: FaultCustom, Nodes: nodes, For: 300 * time.Millisecond, Custom: &c}
	_ = l.runOn(t.Context(), l, in) // a heal that fails is in the events too
	return strings.Join(l.events, "\n"), l
}

// TestCommandsHere makes a file on this machine, and looks at it itself.
func TestCommandsHere(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "n2-2-127.0.0.1")
	here := func(words ...string) Step { return Step{Run: words, OnHost: true} }
	seen, over := make(chan bool, 1), make(chan struct{})
	inject := here("touch", filepath.Join(dir, "{name}-{index}-{ip}"))
	verify := here("ls", dir)
	verify.Says = "{name}"
	heal := here("rm", "-f", filepath.Join(dir, "{name}-{index}-{ip}"))
	gone := here("ls", dir)
	gone.SaysNot = "{name}"
	go func() {
		for {
			_, err := os.Stat(file)
			select {
			case <-over:
				seen <- false
				return
			case <-time.After(time.Millisecond):
			}
			if err == nil {
				seen <- true
				return
			}
		}
	}()
	events, _ := runCustom(t, Custom{Inject: inject, Verify: verify, Heal: heal, Gone: &gone}, "n2")
	close(over)
	if !<-seen {
		t.Error("the file was never there")
	}
	if _, err := os.Stat(file); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("after the heal: %v", err)
	}
	if !strings.Contains(events, "in-force") || !strings.Contains(events, "healed") {
		t.Error(events)
	}
}

// TestStepsThatFail would find a custom fault that counts although nothing came
// of it.
func TestStepsThatFail(t *testing.T) {
	ok := Step{Run: []string{"true"}, OnHost: true}
	for name, c := range map[string]struct {
		custom Custom
		want   string
	}{
		"no such command": {Custom{Inject: Step{Run: []string{"/no/such"}, OnHost: true}, Verify: ok, Heal: ok}, "no such file"},
		"exit code":       {Custom{Inject: Step{Run: []string{"sh", "-c", "echo why; exit 3"}, OnHost: true}, Verify: ok, Heal: ok}, `exit status 3 → "why"`},
		"not seen":        {Custom{Inject: ok, Verify: Step{Run: []string{"echo", "calm"}, OnHost: true, Says: "storm"}, Heal: ok}, `does not say "storm" → "calm"`},
		"too slow": {Custom{Inject: Step{Run: []string{"sleep", "60"}, OnHost: true}, Verify: ok, Heal: ok, Within: 100 * time.Millisecond},
			"has not ended in time"},
	} {
		events, _ := runCustom(t, c.custom, "n1")
		if !strings.Contains(events, c.want) || strings.Contains(events, "in-force") {
			t.Errorf("%s: got\n%s\nwant %q", name, events, c.want)
		}
	}
}

func TestCommandsOnNodes(t *testing.T) {
	step := func(word string) Step { return Step{Run: []string{word, "{name}"}} }
	events, l := runCustom(t, Custom{Inject: step("hurt"), Verify: step("look"), Heal: step("mend")}, "n1")
	want := "exec n1 hurt n1, exec n1 look n1, restart n1, exec n1 mend n1"
	if got := strings.Join(l.asked, ", "); got != want || !strings.Contains(events, "in-force") {
		t.Errorf("got %s, want %s\n%s", got, want, events)
	}
}

func TestOutputIsBounded(t *testing.T) {
	out, err := runHere(t.Context(), []string{"sh", "-c", "head -c 10000000 /dev/zero"})
	if err != nil || len(out) != stepOutput {
		t.Errorf("kept %d bytes, %v", len(out), err)
	}
}

func TestAnswersThatAreBad(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/redirect":
			http.Redirect(w, r, "/", http.StatusFound)
		case "/no":
			http.Error(w, "never", http.StatusTeapot)
		case "/long":
			_, _ = io.CopyN(w, strings.NewReader(strings.Repeat("x", 1<<20)), 1<<20) // until we hang up
		}
	}))
	defer s.Close()
	for path, want := range map[string]string{"/redirect": "302", "/no": `418 I'm a teapot → "never"`} {
		if _, err := call(t.Context(), "GET", s.URL+path, ""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", path, err, want)
		}
	}
	if out, err := call(t.Context(), "GET", s.URL+"/long", ""); err != nil || len(out) != stepOutput {
		t.Errorf("kept %d bytes, %v", len(out), err)
	}
}

// gofailVariable makes the test binary a program with a failpoint.
const gofailVariable = "SHAKEDOWN_TEST_GOFAIL"

// TestProgramWithAFailpoint is not a test: it is what TestFailpoint hurts.
func TestProgramWithAFailpoint(t *testing.T) {
	if os.Getenv(gofailVariable) == "" {
		t.Skip("only for TestFailpoint")
	}
	gofail.NewFailpoint("beforeCommit")
	fmt.Println("ready")
	_, _ = io.Copy(io.Discard, os.Stdin) // until the test is over
}

// TestFailpoint sets a failpoint of a program that has gofail in it, in gofail's
// manner, and takes it back.
func TestFailpoint(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := l.Addr().String()
	_ = l.Close() // only to find a port that is free
	program := exec.Command(os.Args[0], "-test.run=^TestProgramWithAFailpoint$")
	program.Env = append(os.Environ(), gofailVariable+"=1", "GOFAIL_HTTP="+at)
	in, err1 := program.StdinPipe()
	out, err2 := program.StdoutPipe()
	if err := errors.Join(err1, err2, program.Start()); err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = in.Close(), program.Wait() }()
	if _, err := out.Read(make([]byte, 6)); err != nil {
		t.Fatal(err)
	}
	url := "http://{ip}:" + at[strings.LastIndex(at, ":")+1:] + "/"
	set := "beforeCommit=sleep(100)"
	gone := Step{Method: "GET", URL: url, SaysNot: set}
	events, _ := runCustom(t, Custom{
		Inject: Step{Method: "PUT", URL: url + "beforeCommit", Body: "sleep(100)"},
		Verify: Step{Method: "GET", URL: url, Says: set},
		Heal:   Step{Method: "DELETE", URL: url + "beforeCommit"},
		Gone:   &gone,
	}, "n1")
	if !strings.Contains(events, "in-force") || !strings.Contains(events, "healed") || strings.Contains(events, "failed") {
		t.Error(events)
	}
	events, _ = runCustom(t, Custom{
		Inject: Step{Method: "PUT", URL: url + "noSuchPoint", Body: "sleep(100)"}, Verify: gone, Heal: Step{Method: "GET", URL: url},
	}, "n1")
	if !strings.Contains(events, "failed n1") || strings.Contains(events, "in-force") {
		t.Errorf("a failpoint that there is not was set:\n%s", events)
	}
}

func TestPlanShowsCommandsHere(t *testing.T) {
	in := Injection{Fault: FaultCustom, Nodes: []string{"n1"}, Custom: &Custom{
		Inject: Step{Run: []string{"rm", "x"}, OnHost: true}, Verify: Step{Method: "GET", URL: "http://a"}, Heal: Step{Run: []string{"ls"}},
	}}
	want := `n1 runs ON THIS MACHINE ["rm" "x"]; seen by: GET http://a; healed by: runs on the node ["ls"]`
	if got := Foretell(in, names(3)); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
