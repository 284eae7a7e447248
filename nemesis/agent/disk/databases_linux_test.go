package disk

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// program finds a program of a database, or skips the test, unless databases
// are asked for.
func program(t *testing.T, name string) string {
	t.Helper()
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	if found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name); len(found) > 0 {
		return found[len(found)-1]
	}
	if os.Getenv("SHAKEDOWN_REQUIRE_DATABASES") != "" {
		t.Fatalf("no %s to test with, and SHAKEDOWN_REQUIRE_DATABASES is set", name)
	}
	t.Skipf("no %s to test with", name)
	return ""
}

// A tenant is a database's user on the mount.
type tenant struct {
	*world
	who *syscall.Credential // nil: ourselves
	in  string              // a directory beside the mount, for sockets
}

// patience is how long a database may take for one thing.
const patience = 2 * time.Minute

// run runs a program to its end, and returns what it printed.
func (c *tenant) run(t *testing.T, name string, arguments ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program(t, name), arguments...)
	cmd.Dir, cmd.SysProcAttr = c.in, &syscall.SysProcAttr{Credential: c.who}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
	return string(out)
}

// A server is a database that runs.
type server struct {
	*exec.Cmd
	done chan error
}

// start starts a server and waits until it is ready.
func (c *tenant) start(t *testing.T, ready func() bool, name string, arguments ...string) *server {
	t.Helper()
	cmd := exec.Command(program(t, name), arguments...)
	cmd.Dir, cmd.SysProcAttr = c.in, &syscall.SysProcAttr{Credential: c.who, Pdeathsig: syscall.SIGKILL}
	var log strings.Builder
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s := &server{cmd, make(chan error, 1)}
	go func() { s.done <- cmd.Wait(); close(s.done) }()
	t.Cleanup(func() { s.end(t, syscall.SIGQUIT) })
	for deadline := time.Now().Add(patience); !ready(); time.Sleep(50 * time.Millisecond) {
		select {
		case err := <-s.done:
			t.Fatalf("%s ended: %v\n%s", name, err, log.String())
		default:
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s is not ready after %v", name, patience)
		}
	}
	return s
}

// end sends a signal and waits for the end.
func (s *server) end(t *testing.T, signal syscall.Signal) {
	t.Helper()
	if err := s.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Error(err)
	}
	select {
	case <-s.done:
	case <-time.After(patience):
		t.Error("a database does not end")
	}
}

// TestPostgreSQL runs it on the mount, through a power failure: what it has
// acknowledged stays, and its own means find no fault.
func TestPostgreSQL(t *testing.T) {
	program(t, "postgres")
	c := asPostgres(t)
	data := c.path("pg")
	c.must(os.Mkdir(data, 0o700))
	c.must(os.Chown(data, int(c.who.Uid), int(c.who.Gid)))
	c.run(t, "initdb", "--data-checksums", "--auth=trust", "--pgdata="+data)
	at := []string{"--host=" + c.in}
	up := func() *server {
		ready := func() bool {
			cmd := exec.Command(program(t, "pg_isready"), at...)
			return cmd.Run() == nil
		}
		return c.start(t, ready, "postgres", "-D", data, "-k", c.in, "-c", "listen_addresses=",
			"-c", "wal_level=minimal", "-c", "max_wal_senders=0")
	}
	s := up()
	c.run(t, "pgbench", append(at, "--initialize", "--scale=1", "--quiet", "postgres")...)
	said := c.run(t, "pgbench", append(at, "--client=4", "--jobs=2", "--transactions=250", "postgres")...)
	acknowledged := numberAfter(t, said, `transactions actually processed: (\d+)`)
	s.end(t, syscall.SIGQUIT) // at once, without writing anything more
	t.Logf("%d transactions; %v", acknowledged, c.powerFail(LoseAll))
	s = up()
	count := c.run(t, "psql", append(at, "-At", "-c", "select count(*) from pgbench_history", "postgres")...)
	if kept := numberAfter(t, count, `(\d+)`); kept != acknowledged {
		t.Errorf("of %d transactions %d are there after a power failure", acknowledged, kept)
	}
	c.run(t, "pg_amcheck", append(at, "--install-missing", "--heapallindexed", "--all")...)
	s.end(t, syscall.SIGINT) // with a checkpoint
	said = c.run(t, "pg_checksums", "--check", "--pgdata="+data)
	if bad := numberAfter(t, said, `Bad checksums:\s+(\d+)`); bad != 0 {
		t.Errorf("%s", said)
	}
}

func asPostgres(t *testing.T) *tenant {
	t.Helper()
	u, err := user.Lookup("postgres")
	if err != nil {
		program(t, "a user postgres, which is")
	}
	w := mounted(t)
	uid, _ := strconv.ParseUint(u.Uid, 10, 32)
	gid, _ := strconv.ParseUint(u.Gid, 10, 32)
	in, err := os.MkdirTemp("", "pg")
	w.must(err)
	t.Cleanup(func() { w.must(os.RemoveAll(in)) })
	w.must(os.Chown(in, int(uid), int(gid)))
	above := filepath.Dir(filepath.Dir(w.dir)) // nobody else may enter a test's directory
	w.must(os.Chmod(above, 0o755))
	return &tenant{world: w, who: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, in: in}
}

func numberAfter(t *testing.T, text, pattern string) int {
	t.Helper()
	found := regexp.MustCompile(pattern).FindStringSubmatch(text)
	if found == nil {
		t.Fatalf("no %s in\n%s", pattern, text)
	}
	n, err := strconv.Atoi(found[1])
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestRedis does the same with a log that is synced at each write, and with a
// snapshot.
func TestRedis(t *testing.T) {
	program(t, "redis-server")
	w := mounted(t)
	in, err := os.MkdirTemp("", "redis")
	w.must(err)
	t.Cleanup(func() { w.must(os.RemoveAll(in)) })
	c := &tenant{world: w, in: in}
	data, socket := c.path("redis"), filepath.Join(in, "s")
	c.must(os.Mkdir(data, 0o700))
	ask := func(words ...string) string {
		return c.run(t, "redis-cli", append([]string{"-s", socket}, words...)...)
	}
	up := func() *server {
		ready := func() bool {
			out, err := exec.Command(program(t, "redis-cli"), "-s", socket, "ping").Output()
			return err == nil && string(out) == "PONG\n"
		}
		return c.start(t, ready, "redis-server", "--port", "0", "--unixsocket", socket, "--dir", data,
			"--appendonly", "yes", "--appendfsync", "always", "--save", "", "--enable-debug-command", "local")
	}
	s := up()
	c.run(t, "redis-benchmark", "-s", socket, "-q", "-t", "set,lpush,incr,zadd", "-n", "2000", "-r", "500", "-c", "8")
	if out := ask("save"); out != "OK\n" {
		t.Errorf("save: %s", out)
	}
	c.run(t, "redis-check-rdb", filepath.Join(data, "dump.rdb"))
	c.run(t, "redis-benchmark", "-s", socket, "-q", "-t", "set,incr", "-n", "2000", "-r", "500", "-c", "8")
	digest := ask("debug", "digest")
	s.end(t, syscall.SIGKILL)
	t.Log(c.powerFail(LoseAll))
	manifests, err := filepath.Glob(filepath.Join(data, "appendonly*", "*.manifest"))
	c.must(err)
	if len(manifests) != 1 {
		t.Fatalf("manifests: %q", manifests)
	}
	c.run(t, "redis-check-aof", manifests[0])
	up()
	if after := ask("debug", "digest"); after != digest {
		t.Errorf("before a power failure its contents were %safter it %s", digest, after)
	}
}

// TestLMDB loads a database that is read in mapped memory, and reads it back
// after a power failure.
func TestLMDB(t *testing.T) {
	program(t, "mdb_load")
	w := mounted(t)
	c := &tenant{world: w, in: t.TempDir()}
	data := c.path("db")
	c.must(os.Mkdir(data, 0o755))
	var text strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&text, "key%06d\n%s\n", i, strings.Repeat("v", i%300+1))
	}
	load := exec.CommandContext(t.Context(), program(t, "mdb_load"), "-T", data)
	load.Stdin = strings.NewReader(text.String())
	if out, err := load.CombinedOutput(); err != nil {
		t.Fatalf("mdb_load: %v\n%s", err, out)
	}
	before := c.run(t, "mdb_dump", "-p", data)
	t.Log(c.powerFail(LoseAll))
	if after := c.run(t, "mdb_dump", "-p", data); after != before || strings.Count(after, "key") != 2000 {
		t.Errorf("%d keys and %d bytes before a power failure, %d and %d after it",
			strings.Count(before, "key"), len(before), strings.Count(after, "key"), len(after))
	}
	copied := filepath.Join(c.in, "copy")
	c.must(os.Mkdir(copied, 0o755))
	c.run(t, "mdb_copy", data, copied)
	if stat := c.run(t, "mdb_stat", copied); !strings.Contains(stat, "Entries: 2000") {
		t.Error(stat)
	}
}
