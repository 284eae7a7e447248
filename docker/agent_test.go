package docker

import (
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types"
	"github.com/docker/docker/pkg/stdcopy"

	"github.com/shakedown-dev/shakedown/nemesis/agent"
)

// TestAgentHasTheRightsItNeeds does each kind of fault once to a real node:
// what its container lacks would show here.
func TestAgentHasTheRightsItNeeds(t *testing.T) {
	e := engine(t)
	c := up(t, e, abdSpec(runName(t), abdImage(t, e), 2))
	for _, r := range []agent.Request{
		{Do: agent.Cut, ID: "cut", Pairs: [][2]string{{"n1", "n2"}}},
		{Do: agent.Dropped, ID: "cut"},
		{Do: agent.Mend, ID: "cut"},
		{Do: agent.Freeze, ID: "pause", Node: "n1"},
		{Do: agent.Thaw, ID: "pause", Node: "n1"},
		{Do: agent.SetClock, ID: "clock", Node: "n1", Clock: &agent.Clock{Offset: time.Hour}},
		{Do: agent.ReadClock, Node: "n1"},
		{Do: agent.ResetClock, ID: "clock", Node: "n1"},
		{Do: agent.Kill, Node: "n2"},
		{Do: agent.Heal},
	} {
		reply, err := c.Ask(t.Context(), r)
		t.Logf("%s: %s", r.Do, reply.Evidence)
		if err != nil {
			t.Error(err)
		}
	}
}

func TestAgentTriesItsAbilities(t *testing.T) {
	e := engine(t)
	reply, err := e.AskOnce(t.Context(), runName(t), agent.Request{Do: agent.Probe})
	if err != nil {
		t.Fatal(err)
	}
	able := map[string]bool{}
	for _, a := range reply.Abilities {
		able[a.Fault] = able[a.Fault] || a.OK
		if !a.OK {
			t.Logf("%s by %s: %s", a.Fault, a.Backend, a.Detail)
		}
	}
	for _, fault := range []string{"partition", "kill", "pause", "clock"} {
		if able[fault] {
			continue
		}
		if os.Getenv("SHAKEDOWN_REQUIRE_DOCKER") == "1" {
			t.Errorf("%s cannot be done here", fault)
		} else {
			t.Logf("%s cannot be done here; that may be this host", fault)
		}
	}
}

func TestAgentsLastWords(t *testing.T) {
	ours, theirs := net.Pipe()
	complaints := &tailBuffer{limit: 100}
	s := newStdio(types.NewHijackedResponse(ours, ""), complaints)
	a := &sidecar{complaints: complaints, stdio: s, conn: agent.Dial(s)}
	go func() {
		_, _ = io.WriteString(stdcopy.NewStdWriter(theirs, stdcopy.Stderr), "my kernel is too old\n")
		_ = theirs.Close()
	}()
	_, err := a.ask(t.Context(), hello())
	if !errors.Is(err, agent.ErrGone) || !strings.Contains(err.Error(), "my kernel is too old") {
		t.Errorf("got %v", err)
	}
	if err := a.conn.Close(); err != nil {
		t.Error(err)
	}
}

func TestStdioTakesTheStreamsApart(t *testing.T) {
	ours, theirs := net.Pipe()
	complaints := &tailBuffer{limit: 100}
	s := newStdio(types.NewHijackedResponse(ours, ""), complaints)
	got := make(chan string)
	go func() { // the container: answers what it reads, and complains
		b := make([]byte, 5)
		_, err := io.ReadFull(theirs, b)
		if err == nil {
			_, err = stdcopy.NewStdWriter(theirs, stdcopy.Stderr).Write([]byte("hm"))
		}
		if err == nil {
			_, err = stdcopy.NewStdWriter(theirs, stdcopy.Stdout).Write(append([]byte("you said "), b...))
		}
		if err != nil {
			got <- err.Error()
			return
		}
		got <- string(b)
	}()
	if _, err := s.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 14)
	if _, err := io.ReadFull(s, b); err != nil || string(b) != "you said hello" {
		t.Errorf("read %q, %v", b, err)
	}
	if said := <-got; said != "hello" || complaints.String() != "hm" {
		t.Errorf("it got %q and complained %q", said, complaints)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if _, err := s.Read(b); err == nil {
		t.Error("a closed stream can be read")
	}
}
