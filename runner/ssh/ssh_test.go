package ssh

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/shakedown-dev/shakedown/nemesis/agent"
)

// TestMain lets the test binary be the agent that it copies to the host.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "agent" {
		if err := agent.Serve(context.Background(), os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if len(os.Args) > 2 && os.Args[1] == "keepers" {
		fmt.Println(keepers(os.Args[2], os.Stdin, os.Stdout))
		os.Exit(0)
	}
	if len(os.Args) > 3 && os.Args[1] == "echo" {
		fmt.Fprintln(os.Stderr, echo(os.Args[2], os.Args[3]))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// A server is a real sshd on loopback, with one key that may log in.
type server struct {
	host    Host
	dir     string
	hostKey ssh.PublicKey
	process *exec.Cmd
}

// start runs sshd, or skips and says why.
func start(t *testing.T) *server {
	t.Helper()
	sshd, err := exec.LookPath("sshd")
	if err != nil {
		if _, err := os.Stat("/usr/sbin/sshd"); err != nil || os.Getuid() != 0 {
			t.Skip("there is no sshd here, or we are not root: nothing to log in to")
		}
		sshd = "/usr/sbin/sshd"
	}
	s := &server{dir: t.TempDir()}
	s.hostKey = s.newKey(t, "host")
	mine := s.newKey(t, "mine")
	s.write(t, "authorized", string(ssh.MarshalAuthorizedKey(mine)))
	port := freePort(t)
	s.write(t, "config", fmt.Sprintf("ListenAddress 127.0.0.1:%d\nHostKey %s/host\nAuthorizedKeysFile %s/authorized\nStrictModes no\nPidFile none\nUsePAM no\n", port, s.dir, s.dir))
	if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
		t.Skipf("sshd needs /run/sshd: %v", err)
	}
	s.host = Host{Name: "h1", Address: "127.0.0.1", Port: port, Identities: []string{filepath.Join(s.dir, "mine")},
		KnownHosts: []string{filepath.Join(s.dir, "known_hosts")}, Within: 5 * time.Second}
	s.knows(t, s.hostKey)
	s.serve(t, sshd)
	return s
}

// again ends the server and starts it with more in its configuration.
func (s *server) again(t *testing.T, more string) {
	t.Helper()
	sshd, err := exec.LookPath("sshd")
	if err != nil {
		sshd = "/usr/sbin/sshd"
	}
	_, _ = s.process.Process.Kill(), s.process.Wait()
	await(t, "sshd is gone", func() bool {
		conn, err := net.Dial("tcp", s.host.endpoint())
		if err == nil {
			_ = conn.Close()
		}
		return err != nil
	})
	text, err := os.ReadFile(filepath.Join(s.dir, "config"))
	if err != nil {
		t.Fatal(err)
	}
	s.write(t, "config", string(text)+more)
	s.serve(t, sshd)
}

// serve starts the server and waits until it listens.
func (s *server) serve(t *testing.T, sshd string) {
	t.Helper()
	s.process = exec.Command(sshd, "-D", "-e", "-f", filepath.Join(s.dir, "config"))
	if os.Getuid() == 0 { // without whatever the shells of this machine begin with
		s.process = exec.Command("unshare", "--mount", "sh", "-c",
			`[ ! -e ~root/.bashrc ] || mount --bind /dev/null ~root/.bashrc; exec "$@"`, "sh", sshd, "-D", "-e", "-f", filepath.Join(s.dir, "config"))
	}
	s.process.Env = append(os.Environ(), "HOME="+s.dir)
	if err := s.process.Start(); err != nil {
		t.Skipf("sshd does not start: %v", err)
	}
	process := s.process
	t.Cleanup(func() { _ = process.Process.Kill(); _ = process.Wait() })
	await(t, "sshd listens", func() bool {
		conn, err := net.Dial("tcp", s.host.endpoint())
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
}

func (s *server) newKey(t *testing.T, name string) ssh.PublicKey {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, name)
	if err != nil {
		t.Fatal(err)
	}
	s.write(t, name, string(pem.EncodeToMemory(block)))
	public, err := ssh.NewPublicKey(private.Public())
	if err != nil {
		t.Fatal(err)
	}
	return public
}

func (s *server) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// knows makes key the one that known_hosts holds for the server.
func (s *server) knows(t *testing.T, key ssh.PublicKey) {
	t.Helper()
	s.write(t, "known_hosts", knownhosts.Line([]string{s.host.endpoint()}, key)+"\n")
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func await(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within 20s: %s", what)
		}
	}
}

func login(t *testing.T, h Host) *Connection {
	t.Helper()
	c, err := Dial(t.Context(), h)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestRun(t *testing.T) {
	c := login(t, start(t).host)
	out, err := c.Run(t.Context(), "cat; echo done", strings.NewReader("in "))
	if err != nil || out != "in done\n" {
		t.Errorf("%q, %v", out, err)
	}
	var failed *CommandError
	if _, err = c.Run(t.Context(), "echo words >&2; exit 3", nil); !errors.As(err, &failed) || failed.Output != "words" {
		t.Errorf("%v", err)
	}
	if out, err = c.Run(t.Context(), "head -c 3000000 /dev/zero", nil); err != nil || len(out) != maxOutput {
		t.Errorf("%d bytes of a flood were kept, %v", len(out), err)
	}
	short, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err = c.Run(short, "sleep 60", nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a command that hangs: %v", err)
	}
}

// Whoever cannot be told apart from somebody in between is refused, with the
// command that would accept it.
func TestUnknownAndChangedKeysAreRefused(t *testing.T) {
	s := start(t)
	other := s.newKey(t, "other")
	for _, tt := range []struct {
		name    string
		prepare func()
		changed bool
		hint    string
	}{
		{"no known hosts at all", func() { _ = os.Remove(s.host.KnownHosts[0]) }, false, "ssh-keyscan -p " + strconv.Itoa(s.host.Port)},
		{"another key", func() { s.knows(t, other) }, true, "ssh-keygen -f"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.prepare()
			_, err := Dial(t.Context(), s.host)
			var unknown *UnknownKeyError
			if !errors.As(err, &unknown) || unknown.Changed != tt.changed || !strings.Contains(unknown.Hint(), tt.hint) {
				t.Fatalf("%v", err)
			}
			if !strings.Contains(err.Error(), ssh.FingerprintSHA256(s.hostKey)) {
				t.Errorf("the fingerprint is not in %q", err)
			}
		})
	}
}

// A host has keys of several kinds. Whichever of them is known, by whatever name,
// is the one that it is asked for.
func TestTheKeyThatIsKnownIsAskedFor(t *testing.T) {
	s := start(t)
	kinds := map[string]ssh.PublicKey{"ed25519": s.hostKey}
	more := ""
	for _, kind := range []string{"rsa", "ecdsa"} {
		file := filepath.Join(s.dir, kind)
		if out, err := exec.Command("ssh-keygen", "-q", "-t", kind, "-N", "", "-f", file).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		text, err := os.ReadFile(file + ".pub")
		if err != nil {
			t.Fatal(err)
		}
		if kinds[kind], _, _, _, err = ssh.ParseAuthorizedKey(text); err != nil {
			t.Fatal(err)
		}
		more += "HostKey " + file + "\n"
	}
	s.again(t, more)
	for kind, key := range kinds {
		s.knows(t, key)
		if c, err := Dial(t.Context(), s.host); err != nil {
			t.Errorf("with its %s key known: %v", kind, err)
		} else if err := c.Close(); err != nil {
			t.Error(err)
		}
		s.write(t, "known_hosts", knownhosts.Line([]string{"farm"}, key)+"\n")
		aliased := s.host
		if _, err := Dial(t.Context(), aliased); err == nil {
			t.Errorf("the %s key of farm is taken for that of %s", kind, s.host.endpoint())
		}
		aliased.KeyAlias = "farm"
		if c, err := Dial(t.Context(), aliased); err != nil {
			t.Errorf("with its %s key known as farm's: %v", kind, err)
		} else if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestHostsThatDoNotLetUsIn(t *testing.T) {
	s := start(t)
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	stranger := s.host
	s.newKey(t, "stranger")
	stranger.Identities = []string{filepath.Join(s.dir, "stranger")}
	refusing, hanging, keyless := s.host, s.host, s.host
	refusing.Port = freePort(t)
	hanging.Port, hanging.Within = silent.Addr().(*net.TCPAddr).Port, 300*time.Millisecond
	keyless.Identities = []string{filepath.Join(s.dir, "nobody")}
	for name, tt := range map[string]struct {
		host Host
		want string
	}{
		"refuses":               {refusing, "connection refused"},
		"accepts and is quiet":  {hanging, "deadline exceeded"},
		"does not know our key": {stranger, "unable to authenticate"},
		"needs a key we lack":   {keyless, "read identity"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Dial(t.Context(), tt.host); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v; want it to say %q", err, tt.want)
			}
		})
	}
}

// agentOn puts the test binary on the host and starts it as the agent.
func agentOn(t *testing.T, c *Connection) (path string, conn *agent.Conn) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	if path, err = c.PutAgent(t.Context(), program); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = c.Run(context.Background(), "rm -f "+path, nil) })
	if conn, err = c.StartAgent(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	return path, conn
}

// running tells whether a process runs the file at path, below whatever home.
func running(path string) bool {
	links, _ := filepath.Glob("/proc/[0-9]*/exe")
	for _, l := range links {
		if target, err := os.Readlink(l); err == nil && strings.HasSuffix(strings.TrimSuffix(target, " (deleted)"), path) {
			return true
		}
	}
	return false
}

// The agent answers over SSH, and goes when the conversation or the connection
// ends: a host is never left with an agent that nobody listens to.
func TestAgentLivesAsLongAsItsConnection(t *testing.T) {
	s := start(t)
	for name, end := range map[string]func(*Connection, *agent.Conn){
		"conversation closed": func(_ *Connection, conn *agent.Conn) { _ = conn.Close() },
		"connection closed":   func(c *Connection, _ *agent.Conn) { _ = c.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			c := login(t, s.host)
			path, conn := agentOn(t, c)
			defer conn.Close()
			if !running(path) {
				t.Fatal("the agent does not run")
			}
			end(c, conn)
			await(t, "the agent is gone", func() bool { return !running(path) })
			if _, err := conn.Do(t.Context(), agent.Request{Do: agent.Hello}); !errors.Is(err, agent.ErrGone) {
				t.Errorf("an agent that is gone says %v", err)
			}
		})
	}
}

// A copy that somebody changed is not run, but replaced.
func TestMeddledAgentIsReplaced(t *testing.T) {
	c := login(t, start(t).host)
	program := []byte("#!/bin/sh\nexit 0\n" + t.Name())
	path, err := c.PutAgent(t.Context(), program)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Run(context.Background(), "rm -f "+path, nil)
	if _, err := c.Run(t.Context(), "echo evil >> "+path, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := c.PutAgent(t.Context(), program); err != nil {
		t.Fatal(err)
	}
	if out, _ := c.Run(t.Context(), "cat "+path, nil); out != string(program) {
		t.Errorf("the host has %q", out)
	}
}
