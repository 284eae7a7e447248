package redis

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/shakedown-dev/shakedown/history"
	"github.com/shakedown-dev/shakedown/runner/client"
	"github.com/shakedown-dev/shakedown/runner/client/conform"
	"github.com/shakedown-dev/shakedown/scenarios"
)

// patience is how long a test waits for something that must happen.
const patience = 30 * time.Second

// server starts a redis-server of the test's own, on loopback.
func server(t *testing.T, more ...string) client.Node {
	t.Helper()
	binary, err := exec.LookPath("redis-server")
	if err != nil {
		if os.Getenv("SHAKEDOWN_REQUIRE_DATABASES") != "" {
			t.Fatal("no redis-server to test against, and SHAKEDOWN_REQUIRE_DATABASES is set")
		}
		t.Skip("no redis-server to test against")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	cmd := exec.Command(binary, append([]string{"--port", strconv.Itoa(port), "--bind", "127.0.0.1", "--save", "", "--dir", t.TempDir()}, more...)...)
	cmd.Stdout = &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended
		_ = cmd.Wait()         // it was killed, and says so
		if t.Failed() {
			t.Log(log.String())
		}
	})
	n := client.Node{Name: "n1", IP: "127.0.0.1", Ports: map[string]int{"client": port}}
	ready(t, n)
	return n
}

func ready(t *testing.T, n client.Node) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		err := New(scenarios.Client{}, scenarios.Workload{}).Ready(ctx, n)
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatal(err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func invoke(t *testing.T, s *System, n client.Node, op history.Op) history.Op {
	t.Helper()
	c, err := s.Open(t.Context(), n)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	return c.Invoke(ctx, op)
}

// Without this a workload could say something else to redis than its check thinks.
func TestConforms(t *testing.T) {
	n := server(t)
	conform.Run(t, n, func(w scenarios.Workload) client.System {
		if w.Use == "monotonic" {
			return nil // it has no timestamps of its own
		}
		return New(scenarios.Client{}, w)
	})
}

// A replica answers from what it has, refuses to write, and names its primary.
func TestReplica(t *testing.T) {
	primary := server(t)
	replica := server(t, "--replicaof", "127.0.0.1", strconv.Itoa(primary.Ports["client"]))
	replica.Name = "n2"
	w := scenarios.Workload{Use: "register", Timeout: time.Second}
	write := history.Op{F: "write", Key: "x", Value: json.RawMessage("1")}
	if got := invoke(t, New(scenarios.Client{}, w), replica, write); got.Type != history.Fail || !strings.Contains(got.Error, "READONLY") {
		t.Errorf("a write to the replica: %v %s", got.Type, got.Error)
	}
	if got := invoke(t, New(scenarios.Client{Writes: "primary", Wait: 1}, w), replica, write); got.Type != history.OK {
		t.Errorf("a write to its primary: %v %s", got.Type, got.Error)
	}
	if got := invoke(t, New(scenarios.Client{}, w), replica, history.Op{F: "read", Key: "x"}); string(got.Value) != "1" {
		t.Errorf("read %s: %s", got.Value, got.Error)
	}
	if got := invoke(t, New(scenarios.Client{Wait: 2}, w), primary, write); got.Type != history.Info {
		t.Errorf("a write that too few replicas have: %v %s", got.Type, got.Error)
	}
	leader, err := New(scenarios.Client{}, w).Leader(t.Context(), []client.Node{replica, primary})
	if err != nil || leader != "n1" {
		t.Errorf("the leader is %q: %v", leader, err)
	}
}

// What an error says about the operation: this is where tools go wrong.
func TestOutcomes(t *testing.T) {
	for _, c := range []struct {
		says string // what redis answers; empty: it answers nothing, and hangs up
		f    string
		want history.Type
	}{
		{"+OK", "write", history.OK},
		{"-READONLY You can't write against a read only replica.", "write", history.Fail},
		{"-LOADING Redis is loading the dataset in memory", "write", history.Fail},
		{"-NOREPLICAS Not enough good replicas to write.", "write", history.Fail},
		{"-MISCONF Redis is configured to save RDB snapshots", "write", history.Fail},
		{"-OOM command not allowed when used memory > 'maxmemory'.", "write", history.Fail},
		{"-NOAUTH Authentication required.", "write", history.Fail},
		{"-WRONGTYPE Operation against a key holding the wrong kind of value", "write", history.Fail},
		{"-ERR something that we have not heard of", "write", history.Info},
		{"-UNBLOCKED force unblock from blocking operation", "write", history.Info},
		{"", "write", history.Info},
		{"", "read", history.Fail},
		{"-ERR something that we have not heard of", "read", history.Fail},
		{"$-1", "read", history.OK},
	} {
		n := liar(t, c.says)
		got := invoke(t, New(scenarios.Client{}, scenarios.Workload{}), n, history.Op{F: c.f, Key: "x", Value: json.RawMessage("1")})
		if got.Type != c.want {
			t.Errorf("%s, and redis says %q: %v (%s), want %v", c.f, c.says, got.Type, got.Error, c.want)
		}
	}
}

// Nothing was sent where nothing listens.
func TestNotSent(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := client.Node{Name: "n1", IP: "127.0.0.1", Ports: map[string]int{"client": l.Addr().(*net.TCPAddr).Port}}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for use, op := range map[string]history.Op{
		"register": {F: "write", Key: "x", Value: json.RawMessage("1")},
		"append":   {F: "txn", Value: json.RawMessage(`[["append","x",1]]`)},
		"bank":     {F: "transfer", Value: json.RawMessage(`{"from":0,"to":1,"amount":1}`)},
	} {
		if got := invoke(t, New(scenarios.Client{}, scenarios.Workload{Use: use}), n, op); got.Type != history.Fail {
			t.Errorf("%s where nothing listens: %v %s", op.F, got.Type, got.Error)
		}
	}
}

// A deadline that passes with the command under way leaves a write unknown.
func TestDeadline(t *testing.T) {
	n := liar(t, "silence")
	for f, want := range map[string]history.Type{"write": history.Info, "read": history.Fail} {
		c, err := New(scenarios.Client{}, scenarios.Workload{}).Open(t.Context(), n)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		got := c.Invoke(ctx, history.Op{F: f, Key: "x", Value: json.RawMessage("1")})
		cancel()
		if got.Type != want {
			t.Errorf("%s: %v (%s), want %v", f, got.Type, got.Error, want)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
}

// liar is a server that knows no greeting and answers everything else alike.
func liar(t *testing.T, says string) client.Node {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			lie(conn, says)
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-ended })
	return client.Node{Name: "n1", IP: "127.0.0.1", Ports: map[string]int{"client": l.Addr().(*net.TCPAddr).Port}}
}

// lie answers until the other side hangs up, or after the first command if it
// has nothing to say.
func lie(conn net.Conn, says string) {
	defer conn.Close()
	buf := make([]byte, 4096)
	for {
		n, err := conn.Read(buf)
		switch {
		case err != nil:
			return
		case bytes.Contains(bytes.ToLower(buf[:n]), []byte("hello")):
			fmt.Fprintf(conn, "-ERR unknown command\r\n")
		case says == "":
			return
		case says != "silence":
			fmt.Fprintf(conn, "%s\r\n", says)
		}
	}
}

func TestEffectOfNothing(t *testing.T) {
	mark := &sentMark{}
	if effect(mark, nil) != nil {
		t.Error("no error is one")
	}
	var none *client.NoEffect
	if err := effect(mark, errors.New("x")); !errors.As(err, &none) {
		t.Errorf("%v, though nothing was sent", err)
	}
}
