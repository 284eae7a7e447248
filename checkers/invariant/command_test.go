package invariant

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/checkers/say"
	"github.com/shakedown-dev/shakedown/history"
)

// program writes a shell script that can be run.
func program(t *testing.T, script string) string {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("skipped: the programs of this test are shell scripts")
	}
	path := filepath.Join(t.TempDir(), "checker")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestCommand: what a program may answer, and what is odd and therefore unknown.
func TestCommand(t *testing.T) {
	const read = "cat >/dev/null; "
	tests := []struct {
		name, script string
		want         checkers.Verdict
		says         string
	}{
		{"valid", read + `echo '{"verdict":"valid","says":["All is well."],"counts":{"reads":4}}'`, checkers.Valid, "All is well."},
		{"violation", read + `echo '{"verdict":"violation","says":["No."],"evidence":[0,1]}'`, checkers.Violation, "No."},
		{"violation by status", read + `echo '{"verdict":"violation"}'; exit 1`, checkers.Violation, "said no more"},
		{"unknown by status", read + `echo '{"verdict":"unknown"}'; exit 2`, checkers.Unknown, "said no more"},
		{"violation found early", `echo '{"verdict":"violation","says":["At once."]}'`, checkers.Violation, "At once."},
		{"reads the lines", `n=$(grep -c '"f":"read"'); echo "{\"verdict\":\"valid\",\"says\":[\"$n lines\"]}"`, checkers.Valid, "40000 lines"},

		{"valid without reading", `exec 0<&-; sleep 0.1; echo '{"verdict":"valid"}'`, checkers.Unknown, "did not read the history to its end"},
		{"valid by a status that is not", read + `echo '{"verdict":"valid"}'; exit 1`, checkers.Unknown, "said valid, but ended with status 1"},
		{"violation by a status that is not", read + `echo '{"verdict":"violation"}'; exit 2`, checkers.Unknown, "said violation, but ended with status 2"},
		{"silent", read, checkers.Unknown, "wrote nothing"},
		{"fails", read + `echo "no such module: numpy" >&2; exit 3`, checkers.Unknown, "no such module: numpy"},
		{"status of failure", read + `exit 3`, checkers.Unknown, "status 3"},
		{"no JSON", read + `echo valid`, checkers.Unknown, "cannot be read"},
		{"two answers", read + `echo '{"verdict":"valid"}{"verdict":"valid"}'`, checkers.Unknown, "more than one"},
		{"no verdict", read + `echo '{"says":["hm"]}'`, checkers.Unknown, "no \"verdict\""},
		{"another verdict", read + `echo '{"verdict":"fine"}'`, checkers.Unknown, "cannot be read"},
		{"another field", read + `echo '{"verdict":"valid","wat":1}'`, checkers.Unknown, "wat"},
		{"evidence that is not there", read + `echo '{"verdict":"violation","evidence":[999999]}'`, checkers.Unknown, "event 999999"},
		{"negative evidence", read + `echo '{"verdict":"violation","evidence":[-1]}'`, checkers.Unknown, "event -1"},
		{"killed", read + `echo '{"verdict":"valid"}'; kill -9 $$`, checkers.Unknown, "killed"},
		{"too much", `yes`, checkers.Unknown, "more than 4194304 bytes"},
		{"much on stderr", read + `yes oops | head -c 1000000 >&2; exit 9`, checkers.Unknown, "oops"},
	}
	h := registers(30_000)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := &Command{Title: "mine", Argv: []string{program(t, test.script)}}
			result := c.Check(context.Background(), h)
			if all := strings.Join(result.Says, " "); result.Verdict != test.want || !strings.Contains(all, test.says) || len(all) > 6000 {
				t.Errorf("got %s", say.Cut(describe(result), 3000))
			}
			if result.Check != "mine" {
				t.Errorf("the result is of %q", result.Check)
			}
		})
	}
}

func TestCommandCannotStart(t *testing.T) {
	for _, argv := range [][]string{{"./no-such-program"}, {t.TempDir()}, nil} {
		c := &Command{Title: "mine", Argv: argv}
		if result := c.Check(context.Background(), registers(1)); result.Verdict != checkers.Unknown || len(result.Says) == 0 {
			t.Errorf("%v: %s", argv, describe(result))
		}
	}
}

// TestCommandTimeout: a program that hangs is killed with all that it started.
func TestCommandTimeout(t *testing.T) {
	mark := filepath.Join(t.TempDir(), "alive")
	script := "(while :; do echo x >>" + mark + "; sleep 0.01; done) & sleep 1000"
	c := &Command{Title: "mine", Argv: []string{program(t, script)}, Timeout: 100 * time.Millisecond}
	result := c.Check(context.Background(), registers(10))
	if result.Verdict != checkers.Unknown || !strings.Contains(result.Says[0], "did not end within 100ms") {
		t.Fatalf("got %s", describe(result))
	}
	sizeOf := func() int64 {
		info, err := os.Stat(mark)
		if err != nil {
			return 0
		}
		return info.Size()
	}
	// The child is gone when the file stands still for many of its rounds.
	still := 0
	for last := sizeOf(); still < 20; time.Sleep(20 * time.Millisecond) {
		now := sizeOf()
		if now == last {
			still++
		} else if still = 0; now > 1<<20 {
			t.Fatal("what the program started still runs")
		}
		last = now
	}
}

// TestCommandCancelled: the time of the whole check counts as well.
func TestCommandCancelled(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	c := &Command{Title: "mine", Argv: []string{program(t, "sleep 1000")}}
	if result := c.Check(ctx, registers(10)); result.Verdict != checkers.Unknown || !strings.Contains(result.Says[0], "time of the check was up") {
		t.Errorf("got %s", describe(result))
	}
}

// TestCommandLeavesSomething: a program that ended, but whose child holds its
// stdout, is not waited for.
func TestCommandLeavesSomething(t *testing.T) {
	c := &Command{Title: "mine", Argv: []string{program(t, "cat >/dev/null; sleep 1000 & echo '{\"verdict\":\"valid\"}'")}}
	if result := c.Check(context.Background(), registers(10)); result.Verdict != checkers.Unknown || !strings.Contains(result.Says[0], "still held its output") {
		t.Errorf("got %s", describe(result))
	}
}

// TestFeeder: a program reads what history.Read reads.
func TestFeeder(t *testing.T) {
	h := registers(1000)
	again, err := history.Read(newFeeder(h))
	if err != nil || again.String() != h.String() {
		t.Errorf("a program reads another history: %v", err)
	}
}
