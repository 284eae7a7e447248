package postgres

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/shakedown-dev/shakedown/history"
	"github.com/shakedown-dev/shakedown/runner/client"
	"github.com/shakedown-dev/shakedown/runner/client/conform"
	"github.com/shakedown-dev/shakedown/scenarios"
)

// patience is how long a test waits for something that must happen.
const patience = time.Minute

// program finds a program of PostgreSQL, which Debian keeps out of the PATH.
func program(t *testing.T, name string) string {
	t.Helper()
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	if len(found) > 0 {
		return found[0]
	}
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	if os.Getenv("SHAKEDOWN_REQUIRE_DATABASES") != "" {
		t.Fatalf("no %s to test against, and SHAKEDOWN_REQUIRE_DATABASES is set", name)
	}
	t.Skipf("no %s to test against", name)
	return ""
}

// as makes cmd run as the user postgres if we are root, whom the server refuses.
func as(t *testing.T, cmd *exec.Cmd, dir string) *exec.Cmd {
	t.Helper()
	if os.Getuid() != 0 {
		return cmd
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		u, err = user.Lookup("nobody")
	}
	if err != nil {
		t.Skip("we are root, and there is nobody else to run the server as")
	}
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	if err := os.Chown(dir, uid, gid); err != nil {
		t.Fatal(err)
	}
	cmd.Dir = dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
	return cmd
}

// server starts a PostgreSQL of the test's own, on loopback.
func server(t *testing.T) client.Node {
	t.Helper()
	initdb, postgres := program(t, "initdb"), program(t, "postgres")
	dir, err := os.MkdirTemp("", "shakedown-postgres-") // t.TempDir is ours alone
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	data := filepath.Join(dir, "data")
	out, err := as(t, exec.Command(initdb, "-D", data, "-U", "postgres", "--auth=trust", "--no-sync", "--no-locale"), dir).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	cmd := as(t, exec.Command(postgres, "-D", data, "-c", "listen_addresses=127.0.0.1", "-c", "port="+strconv.Itoa(port),
		"-c", "unix_socket_directories=", "-c", "fsync=off"), dir)
	var log bytes.Buffer
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGQUIT) // it may have ended
		_ = cmd.Wait()                          // it was told to, and says so
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
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Without this a workload could say something else to PostgreSQL than its check
// thinks, at any of the levels.
func TestConforms(t *testing.T) {
	n := server(t)
	for _, level := range scenarios.Isolations() {
		t.Run(level.Name, func(t *testing.T) {
			empty(t, n)
			conform.Run(t, n, func(w scenarios.Workload) client.System {
				if w.Use == "lock" {
					return nil
				}
				return New(scenarios.Client{Isolation: level.Name}, w)
			})
			leader, err := New(scenarios.Client{}, scenarios.Workload{}).Leader(t.Context(), []client.Node{n})
			if err != nil || leader != "n1" {
				t.Errorf("the leader is %q: %v", leader, err)
			}
		})
	}
}

// empty takes away what an earlier test made.
func empty(t *testing.T, n client.Node) {
	t.Helper()
	err := asking(t.Context(), n, func(conn *pgx.Conn) error {
		_, err := conn.Exec(t.Context(), "DROP SCHEMA public CASCADE; CREATE SCHEMA public", pgx.QueryExecModeSimpleProtocol)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// What the error of a commit says about the transaction: this is where tools go
// wrong.
func TestOutcomeOfCommit(t *testing.T) {
	pg := func(severity, code string) error {
		return fmt.Errorf("commit: %w", &pgconn.PgError{Severity: severity, Code: code})
	}
	for _, c := range []struct {
		err  error
		want history.Type
	}{
		{nil, history.OK},
		{pgx.ErrTxCommitRollback, history.Fail},
		{pg("ERROR", "40001"), history.Fail}, // could not serialize
		{pg("ERROR", "40P01"), history.Fail}, // deadlock
		{pg("ERROR", "23505"), history.Fail}, // a deferred constraint
		{pg("ERROR", "25P02"), history.Fail}, // the transaction was aborted before
		{pg("ERROR", "53100"), history.Fail}, // disk full
		{pg("ERROR", "40003"), history.Info}, // it says itself that it does not know
		{pg("ERROR", "08007"), history.Info},
		{pg("ERROR", "57014"), history.Info}, // canceled while it waited for a standby
		{pg("FATAL", "57P01"), history.Info}, // shutdown
		{pg("FATAL", "57P02"), history.Info}, // crash of another process
		{pg("PANIC", "XX000"), history.Info},
		{context.DeadlineExceeded, history.Info},
		{net.ErrClosed, history.Info},
		{errors.New("connection reset by peer"), history.Info},
	} {
		if got := client.Ended(history.Op{}, nil, committed(c.err)); got.Type != c.want {
			t.Errorf("%v: %v, want %v", c.err, got.Type, c.want)
		}
	}
}

// Whatever fails before the commit is sent has had no effect, a server that is
// frozen or gone included.
func TestNothingHappensBeforeTheCommit(t *testing.T) {
	n := server(t)
	s := New(scenarios.Client{}, scenarios.Workload{Use: "append"})
	if err := s.Prepare(t.Context(), []client.Node{n}); err != nil {
		t.Fatal(err)
	}
	// A lock that the append waits for until its time is up.
	config, err := configOf(n)
	if err != nil {
		t.Fatal(err)
	}
	other, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer closeConn(other)
	if _, err := other.Exec(t.Context(), "BEGIN; LOCK TABLE lists", pgx.QueryExecModeSimpleProtocol); err != nil {
		t.Fatal(err)
	}
	c, err := s.Open(t.Context(), n)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	append1 := history.Op{F: "txn", Value: json.RawMessage(`[["append","x",1]]`)}
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	got := c.Invoke(ctx, append1)
	cancel()
	if got.Type != history.Fail {
		t.Errorf("an append that was never committed: %v %s", got.Type, got.Error)
	}
	if _, err := other.Exec(t.Context(), "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	// The same client goes on with a new session, and what failed is not there.
	ctx, cancel = context.WithTimeout(t.Context(), patience)
	defer cancel()
	read := c.Invoke(ctx, history.Op{F: "txn", Value: json.RawMessage(`[["r","x",null]]`)})
	if read.Type != history.OK || string(read.Value) != `[["r","x",null]]` {
		t.Errorf("read %s, %v %s", read.Value, read.Type, read.Error)
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
	c, err := New(scenarios.Client{}, scenarios.Workload{}).Open(t.Context(), n)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if got := c.Invoke(t.Context(), history.Op{F: "write", Key: "x", Value: json.RawMessage("1")}); got.Type != history.Fail {
		t.Errorf("%v %s", got.Type, got.Error)
	}
	if err := New(scenarios.Client{}, scenarios.Workload{}).Ready(t.Context(), n); err == nil {
		t.Error("nothing listens, and it is ready")
	}
}
