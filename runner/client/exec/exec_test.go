package exec

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/shakedown-dev/shakedown/history"
	"github.com/shakedown-dev/shakedown/runner/client"
	"github.com/shakedown-dev/shakedown/scenarios"
)

// asProgram names what the test's own binary, as a client, is to do.
const asProgram = "SHAKEDOWN_TEST_EXEC_CLIENT"

func TestMain(m *testing.M) {
	if how := os.Getenv(asProgram); how != "" {
		os.Exit(behave(how))
	}
	os.Exit(m.Run())
}

// behave is a client that keeps values to itself, or does something wrong.
func behave(how string) int {
	values := map[string]json.RawMessage{}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var q struct {
			question
			Open *json.RawMessage
		}
		if err := json.Unmarshal(lines.Bytes(), &q); err != nil {
			return 3
		}
		if q.Open != nil {
			if !strings.Contains(lines.Text(), `"name":"n1"`) || !strings.Contains(lines.Text(), `"workload":"register"`) {
				return 4
			}
			continue
		}
		switch {
		case how == "dies":
			fmt.Fprintln(os.Stderr, "cannot go on")
			return 1
		case how == "once" && q.ID > 1:
			return 0
		case how == "once":
			fmt.Printf(`{"id":%d,"type":"ok"}`+"\n", q.ID)
			continue
		case how == "silent":
			continue
		case how == "chatter":
			fmt.Println("starting up …")
			continue
		case how == "late":
			fmt.Printf(`{"id":%d,"type":"ok"}`+"\n", q.ID-1)
			continue
		case how == "odd":
			fmt.Printf(`{"id":%d,"type":"perhaps"}`+"\n", q.ID)
			continue
		case how == "found":
			fmt.Printf(`{"id":%d,"type":"fail","value":[3,4,5],"error":"value differed"}`+"\n", q.ID)
			continue
		case how != "good":
			fmt.Printf(`{"id":%d,"type":%q}`+"\n", q.ID, how)
			continue
		}
		if q.F == "write" {
			values[q.Key] = q.Value
			fmt.Printf(`{"id":%d,"type":"ok"}`+"\n", q.ID)
			continue
		}
		text, err := json.Marshal(answer{ID: q.ID, Type: "ok", Value: values[q.Key]})
		if err != nil {
			return 5
		}
		fmt.Println(string(text))
	}
	return 0
}

func open(t *testing.T, how string) (*System, client.Client) {
	t.Helper()
	t.Setenv(asProgram, how)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s := New(scenarios.Client{Command: []string{self}, Folder: t.TempDir()}, scenarios.Workload{Use: "register", Timeout: time.Second})
	c, err := s.Open(t.Context(), client.Node{Name: "n1", IP: "192.0.2.1"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, c
}

// A cas that failed tells what it found; what says nothing has the value of its
// invocation.
func TestFound(t *testing.T) {
	for how, want := range map[string]string{"found": "[3,4,5]", "fail": "[3,4]"} {
		_, c := open(t, how)
		got := c.Invoke(t.Context(), history.Op{F: "cas", Key: "x", Value: json.RawMessage("[3,4]")})
		if got.Type != history.Fail || string(got.Value) != want {
			t.Errorf("%s: %s %s %s", how, got.Type, got.Value, got.Error)
		}
	}
}

// What the program says, or does not say, decides how an operation ended.
func TestOutcomes(t *testing.T) {
	for _, c := range []struct {
		how         string
		write, read history.Type
		says        string
	}{
		{"good", history.OK, history.OK, ""},
		{"fail", history.Fail, history.Fail, "the program says that it failed"},
		{"info", history.Info, history.Fail, "nobody knows"},
		{"dies", history.Info, history.Fail, "it said: cannot go on"},
		{"silent", history.Info, history.Fail, "did not answer"},
		{"chatter", history.Info, history.Fail, "what is no answer"},
		{"late", history.Info, history.Fail, "answered operation 0, and was asked 1"},
		{"odd", history.Info, history.Fail, `the type "perhaps"`},
	} {
		t.Run(c.how, func(t *testing.T) {
			for f, want := range map[string]history.Type{"write": c.write, "read": c.read} {
				_, cl := open(t, c.how)
				patience := 20 * time.Second
				if c.how == "silent" {
					patience = 500 * time.Millisecond
				}
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				got := cl.Invoke(ctx, history.Op{F: f, Key: "x", Value: json.RawMessage("1")})
				cancel()
				if got.Type != want || !strings.Contains(got.Error, c.says) {
					t.Errorf("%s: %v %q, want %v", f, got.Type, got.Error, want)
				}
			}
		})
	}
}

// What was written is read.
func TestValues(t *testing.T) {
	s, c := open(t, "good")
	for _, op := range []struct {
		history.Op
		want string
	}{
		{history.Op{F: "read", Key: "x"}, "null"},
		{history.Op{F: "write", Key: "x", Value: json.RawMessage("[1, 2]")}, "[1, 2]"},
		{history.Op{F: "read", Key: "x"}, "[1,2]"},
	} {
		if got := c.Invoke(t.Context(), op.Op); got.Type != history.OK || string(got.Value) != op.want && !(op.want == "null" && got.Value == nil) {
			t.Errorf("%s: %v %s %s, want %s", op.F, got.Type, got.Value, got.Error, op.want)
		}
	}
	if err := s.Ready(t.Context(), client.Node{Name: "n1"}); err != nil {
		t.Error(err)
	}
}

// Nothing more is asked of a process that broke: another takes its place, with
// the next operation, whatever the one before came to.
func TestAnotherProcess(t *testing.T) {
	for _, f := range []string{"read", "write"} {
		_, c := open(t, "once")
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		for n := 1; n <= 4; n++ {
			got := c.Invoke(ctx, history.Op{F: f, Key: "x", Value: json.RawMessage("1")})
			if answered := got.Type == history.OK; answered != (n%2 == 1) {
				t.Errorf("%s %d: %v %s", f, n, got.Type, got.Error)
			}
		}
	}
}

// What cannot be started again was not sent.
func TestNoOtherProcess(t *testing.T) {
	_, c := open(t, "dies")
	c.(*program).again = func() (*process, error) { return start([]string{"/nowhere/at/all"}, "") }
	write := history.Op{F: "write", Key: "x", Value: json.RawMessage("1")}
	if got := c.Invoke(t.Context(), write); got.Type != history.Info {
		t.Errorf("%v %s", got.Type, got.Error)
	}
	if got := c.Invoke(t.Context(), write); got.Type != history.Fail || !strings.Contains(got.Error, "not sent") {
		t.Errorf("the second: %v %s", got.Type, got.Error)
	}
}

func TestNoSuchProgram(t *testing.T) {
	for _, argv := range [][]string{nil, {"/nowhere/at/all"}} {
		if c, err := New(scenarios.Client{Command: argv}, scenarios.Workload{}).Open(t.Context(), client.Node{}); err == nil {
			t.Errorf("%q: %v", argv, c)
		}
	}
}
