package disk

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// probeEnv makes the test binary a process that does one call and says how it
// went: the effect of a rule is measured from there.
const probeEnv = "SHAKEDOWN_DISK_PROBE"

func TestMain(m *testing.M) {
	switch what := os.Getenv(probeEnv); what {
	case "":
	case "bolt":
		had, err := useBolt(os.Args[1], os.Args[2], os.Args[3] == "true")
		answer(had, err)
		return
	case "appends":
		answer(timeAppends(os.Args[1]))
		return
	case "reads":
		answer(timeReads(os.Args[1], os.Args[2]))
		return
	case "manner":
		answer(useManner(os.Args[1], os.Args[2]))
		return
	case "map":
		answer(0, useMap(os.Args[1]))
		return
	default:
		probe(what, os.Args[1])
		return
	}
	os.Exit(m.Run())
}

// answer is how a process that was started by child ends.
func answer(v any, err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Print(v)
}

// child has a process of its own do something with a file of the mount, and
// returns what it answers.
func (w *world) child(what, name string, more ...string) string {
	w.t.Helper()
	cmd := exec.Command(os.Args[0], append([]string{w.path(name)}, more...)...)
	cmd.Env, cmd.Stderr = append(os.Environ(), probeEnv+"="+what), os.Stderr
	out, err := cmd.Output()
	w.must(err)
	return string(out)
}

// probe prints the number of the error of one call, and the milliseconds that
// it took.
func probe(what, path string) {
	start := time.Now()
	err := calls()[what](path)
	var errno unix.Errno
	if err != nil && !errors.As(err, &errno) {
		errno = unix.EDOM // not an error of the system
	}
	os.Stdout.WriteString(strconv.Itoa(int(errno)) + " " + strconv.FormatInt(time.Since(start).Milliseconds(), 10))
}

// calls are those that a probe knows.
func calls() map[string]func(path string) error {
	open := func(path string, flags int, do func(f *os.File) error) error {
		f, err := os.OpenFile(path, flags, 0o644)
		if err != nil {
			return err
		}
		return errors.Join(do(f), f.Close())
	}
	return map[string]func(path string) error{
		"read": func(p string) error {
			return open(p, os.O_RDONLY, func(f *os.File) error {
				_, err := io.Copy(io.Discard, f)
				return err
			})
		},
		"append": func(p string) error {
			return open(p, os.O_WRONLY|os.O_APPEND, func(f *os.File) error {
				_, err := f.WriteString("more")
				return err
			})
		},
		"overwrite": func(p string) error {
			return open(p, os.O_WRONLY, func(f *os.File) error {
				_, err := f.WriteString("over")
				return err
			})
		},
		"fsync": func(p string) error { return open(p, os.O_RDONLY, (*os.File).Sync) },
		"open":  func(p string) error { return open(p, os.O_RDONLY, func(*os.File) error { return nil }) },
		"create": func(p string) error {
			return open(p+".new", os.O_CREATE|os.O_WRONLY, func(*os.File) error { return nil })
		},
		"mkdir":    func(p string) error { return os.Mkdir(p+".dir", 0o755) },
		"remove":   func(p string) error { return os.Remove(p) },
		"rename":   func(p string) error { return os.Rename(p, p+".moved") },
		"truncate": func(p string) error { return os.Truncate(p, 1) },
		"chmod":    func(p string) error { return os.Chmod(p, 0o600) },
		"stat":     func(p string) error { _, err := os.Stat(p); return err },
		"fallocate": func(p string) error {
			return open(p, os.O_RDWR, func(f *os.File) error { return unix.Fallocate(int(f.Fd()), 0, 0, 1<<20) })
		},
	}
}

// ask has a process of its own do a call on a file of the mount.
func (w *world) ask(call, name string) (unix.Errno, time.Duration) {
	w.t.Helper()
	out := w.child(call, name)
	number, millis, _ := strings.Cut(out, " ")
	errno, err := strconv.Atoi(number)
	w.must(err)
	ms, err := strconv.Atoi(millis)
	w.must(err)
	return unix.Errno(errno), time.Duration(ms) * time.Millisecond
}

// TestRulesBite measures each kind of rule from a process, before, while and
// after it is in force.
func TestRulesBite(t *testing.T) {
	for _, c := range []struct {
		rule Rule
		hit  string // the calls that must fail
		want unix.Errno
		miss string // the calls that must not
	}{
		{Rule{Kind: EIO}, "read append overwrite fsync", unix.EIO, "stat open create truncate"},
		{Rule{Kind: EIO, Ops: []Op{Sync}}, "fsync", unix.EIO, "read append"},
		{Rule{Kind: EIO, Ops: []Op{Open}}, "open read", unix.EIO, "append"},
		{Rule{Kind: EIO, Path: "*.log"}, "append", unix.EIO, ""},
		{Rule{Kind: EIO, Path: "other/**"}, "", 0, "read append fsync"},
		{Rule{Kind: ENOSPC}, "append overwrite create mkdir fallocate", unix.ENOSPC, "read fsync chmod rename"},
		{Rule{Kind: ReadOnly}, "append overwrite create mkdir remove rename truncate chmod fallocate", unix.EROFS, "read fsync stat"},
		{Rule{Kind: Full, Room: 2}, "create mkdir fallocate", unix.ENOSPC, "read overwrite fsync truncate rename"},
	} {
		for _, call := range strings.Fields(c.hit + " " + c.miss) {
			t.Run(string(c.rule.Kind)+" "+c.rule.Path+" "+call, func(t *testing.T) {
				w := mounted(t)
				w.must(os.Mkdir(w.path("d"), 0o755))
				w.write("d/f.log", bytes.Repeat([]byte("x"), 10000), true)
				c.rule.ID = "r"
				w.must(w.fs.Inject(c.rule))
				want := unix.Errno(0)
				if strings.Contains(" "+c.hit+" ", " "+call+" ") {
					want = c.want
				}
				if got, _ := w.ask(call, "d/f.log"); got != want {
					t.Errorf("%s gave %v (%d), want %v", call, got, got, want)
				}
				if hits := w.fs.Heal("r").Failed; (hits > 0) != (want != 0) {
					t.Errorf("%d calls are counted as failed", hits)
				}
				if want != 0 {
					if got, _ := w.ask(call, "d/f.log"); got != 0 {
						t.Errorf("%s gave %v after the heal", call, got)
					}
				}
			})
		}
	}
}

// TestOpenHandlesAreHitToo checks that a rule needs no new handle.
func TestOpenHandlesAreHitToo(t *testing.T) {
	w := mounted(t)
	f := w.open("f", os.O_RDWR|os.O_CREATE)
	w.must(w.fs.Inject(Rule{ID: "r", Kind: ReadOnly}))
	if _, err := f.WriteString("x"); !errors.Is(err, unix.EROFS) {
		t.Errorf("a write gave %v", err)
	}
	w.fs.Heal("r")
	must2(w)(f.WriteString("x"))
}

func TestSlowCallsWaitUntilHealed(t *testing.T) {
	w := mounted(t)
	w.write("f", []byte("x"), true)
	w.must(w.fs.Inject(Rule{ID: "r", Kind: Slow, Delay: 120 * time.Millisecond, Ops: []Op{Sync}}))
	if _, took := w.ask("fsync", "f"); took < 120*time.Millisecond {
		t.Errorf("a slow fsync took %v", took)
	}
	w.must(w.fs.Inject(Rule{ID: "r", Kind: Slow, Delay: time.Hour, Ops: []Op{Sync}}))
	f := w.open("f", os.O_RDWR)
	done := make(chan error)
	go func() { done <- f.Sync() }()
	waitFor(t, "the call to wait", func() bool { return w.fs.Counters("r").Delayed == 1 })
	w.fs.Heal("r")
	w.must(<-done)
}

// waitFor waits until it holds.
func waitFor(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

func TestFullDiskFillsUp(t *testing.T) {
	w := mounted(t)
	w.write("f", bytes.Repeat([]byte("x"), 1000), true)
	f := w.open("f", os.O_RDWR)
	w.must(w.fs.Inject(Rule{ID: "r", Kind: Full, Room: 10000}))
	var st unix.Statfs_t
	w.must(unix.Statfs(w.dir, &st))
	if free := st.Bavail * uint64(st.Bsize); free > 10000 {
		t.Errorf("statfs tells of %d free bytes", free)
	}
	n, err := unix.Pwrite(int(f.Fd()), make([]byte, 20000), 500)
	if n != 10500 || err != nil {
		t.Errorf("a write that does not fit wrote %d bytes: %v", n, err)
	}
	if n, err := f.WriteAt([]byte("x"), 11000); !errors.Is(err, unix.ENOSPC) {
		t.Errorf("a write for which there is no room wrote %d bytes: %v", n, err)
	}
	must2(w)(f.WriteAt(make([]byte, 500), 0)) // overwrites
	w.must(f.Truncate(6000))
	must2(w)(f.WriteAt(make([]byte, 5000), 6000))
	if c := w.fs.Heal("r"); c.Failed == 0 || c.Bytes == 0 {
		t.Errorf("counters are %v", c)
	}
	must2(w)(f.WriteAt(make([]byte, 20000), 500))
}

func TestProbabilityIsSeeded(t *testing.T) {
	hits := func(seed uint64) (pattern string) {
		w := mounted(t)
		f := w.open("f", os.O_RDWR|os.O_CREATE)
		w.must(w.fs.Inject(Rule{ID: "r", Kind: EIO, Ops: []Op{Write}, Probability: 0.5, Seed: seed}))
		for range 64 {
			if _, err := f.WriteAt([]byte("x"), 0); err != nil {
				pattern += "!"
			} else {
				pattern += "."
			}
		}
		return pattern
	}
	a, b, c := hits(1), hits(1), hits(2)
	if a != b || a == c || !strings.Contains(a, "!") || !strings.Contains(a, ".") {
		t.Errorf("seeds 1, 1 and 2 gave\n%s\n%s\n%s", a, b, c)
	}
}

func TestBadRulesAreRefused(t *testing.T) {
	w := mounted(t)
	for _, r := range []Rule{
		{Kind: EIO}, {ID: "r"}, {ID: "r", Kind: "melt"}, {ID: "r", Kind: Slow}, {ID: "r", Kind: Full, Room: -1},
		{ID: "r", Kind: EIO, Probability: 2}, {ID: "r", Kind: EIO, Ops: []Op{"sing"}}, {ID: "r", Kind: EIO, Path: "a/[b"},
		{ID: "r", Kind: EIO, Ops: []Op{Lookup}},
	} {
		if err := w.fs.Inject(r); err == nil {
			t.Errorf("%+v was accepted", r)
		}
	}
	if _, err := w.fs.PowerFail(1, "some"); err == nil {
		t.Error("a power failure that loses \"some\" was accepted")
	}
	if _, err := w.fs.Damage(Damage{Harm: "burn"}); err == nil {
		t.Error("damage by \"burn\" was accepted")
	}
}
