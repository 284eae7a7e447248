package exec

import (
	"context"
	"encoding/json"
	"net"
	"os"
	osexec "os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/shakedown-dev/shakedown/history"
	"github.com/shakedown-dev/shakedown/runner/client"
	"github.com/shakedown-dev/shakedown/scenarios"
)

// find returns a program that this test needs, or skips it.
func find(t *testing.T, name string) string {
	t.Helper()
	path, err := osexec.LookPath(name)
	if err != nil && os.Getenv("SHAKEDOWN_REQUIRE_DATABASES") != "" {
		t.Fatalf("there is no %s, and SHAKEDOWN_REQUIRE_DATABASES is set", name)
	}
	if err != nil {
		t.Skipf("there is no %s", name)
	}
	return path
}

// redisServer starts one on loopback, and returns it as a node.
func redisServer(t *testing.T) client.Node {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	server := osexec.Command(find(t, "redis-server"), "--port", strconv.Itoa(port), "--bind", "127.0.0.1", "--save", "", "--dir", t.TempDir())
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Kill() // it may have ended
		_ = server.Wait()         // it was killed, and says so
	})
	return client.Node{Name: "n1", IP: "127.0.0.1", Ports: map[string]int{"client": port}}
}

// The example that users begin with says the truth about a real Redis.
func TestExample(t *testing.T) {
	find(t, "python3")
	n := redisServer(t)
	s := New(scenarios.Client{Command: []string{"python3", "redis_client.py"}, Folder: "example"}, scenarios.Workload{Use: "register", Timeout: 10 * time.Second})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for s.Ready(ctx, n) != nil {
		if ctx.Err() != nil {
			t.Fatal(s.Ready(t.Context(), n))
		}
	}
	c, err := s.Open(ctx, n)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, step := range []struct {
		f, value string
		want     history.Type
		answer   string
	}{
		{"read", "", history.OK, "null"},
		{"cas", "[null,1]", history.OK, "[1]"},
		{"cas", "[7,8]", history.Fail, ""},
		{"write", "2", history.OK, "2"},
		{"read", "", history.OK, "2"},
		{"frobnicate", "", history.Fail, ""},
	} {
		got := c.Invoke(ctx, history.Op{F: step.f, Key: "x", Value: json.RawMessage(step.value)})
		if got.Type != step.want || step.f == "read" && string(got.Value) != step.answer {
			t.Errorf("%s %s: %v %s %s", step.f, step.value, got.Type, got.Value, got.Error)
		}
	}
	gone := client.Node{Name: "n2", IP: "127.0.0.1", Ports: map[string]int{"client": 1}}
	if err := s.Ready(ctx, gone); err == nil {
		t.Error("a node that is not there is ready")
	}
}
