//go:build linux

package cgroup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestMain lets this binary be a process that uses the processor all the time.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == "spin" {
		for {
			_ = time.Now()
		}
	}
	os.Exit(m.Run())
}

const (
	hybrid = `25 30 0:22 / /sys/fs/cgroup ro,nosuid - tmpfs tmpfs rw,mode=755
31 25 0:26 / /sys/fs/cgroup/freezer rw,relatime shared:9 - cgroup cgroup rw,freezer
32 25 0:27 / /sys/fs/cgroup/memory rw,relatime shared:10 - cgroup cgroup rw,memory
33 25 0:28 / /sys/fs/cgroup/unified rw,relatime shared:11 - cgroup2 cgroup2 rw
`
	unified = `33 25 0:28 / /sys/fs/cgroup rw,relatime shared:11 - cgroup2 cgroup2 rw,nsdelegate
`
	bound = `33 25 0:28 /docker/abc /sys/fs/cgroup rw,relatime - cgroup2 cgroup2 rw
`
	spaced = `33 25 0:28 / /mnt/the\040cgroups rw,relatime - cgroup2 cgroup2 rw
`
)

func TestLocate(t *testing.T) {
	for name, c := range map[string]struct {
		mounts, member string
		want           Group
		wants          string
	}{
		"v1": {hybrid, "9:freezer:/docker/abc\n4:memory:/docker/abc\n0::/\n",
			Group{Version: 1, Path: "/docker/abc", Dir: "/sys/fs/cgroup/freezer/docker/abc"}, ""},
		"v1 with others on it": {strings.ReplaceAll(hybrid, "rw,freezer", "rw,cpu,freezer"), "9:cpu,freezer:/a:b\n",
			Group{Version: 1, Path: "/a:b", Dir: "/sys/fs/cgroup/freezer/a:b"}, ""},
		"v2": {unified, "0::/system.slice/docker-abc.scope\n",
			Group{Version: 2, Path: "/system.slice/docker-abc.scope", Dir: "/sys/fs/cgroup/system.slice/docker-abc.scope"}, ""},
		"v2 beside v1 without freezer": {hybrid, "4:memory:/x\n0::/y\n",
			Group{Version: 2, Path: "/y", Dir: "/sys/fs/cgroup/unified/y"}, ""},
		"v1 elsewhere": {unified, "9:freezer:/\n0::/system.slice/db.service\n",
			Group{Version: 2, Path: "/system.slice/db.service", Dir: "/sys/fs/cgroup/system.slice/db.service"}, ""},
		"root":                {unified, "0::/\n", Group{Version: 2, Path: "/", Dir: "/sys/fs/cgroup"}, ""},
		"only a part mounted": {bound, "0::/docker/abc/sub\n", Group{Version: 2, Path: "/docker/abc/sub", Dir: "/sys/fs/cgroup/sub"}, ""},
		"space in the path":   {spaced, "0::/n1\n", Group{Version: 2, Path: "/n1", Dir: "/mnt/the cgroups/n1"}, ""},
		"another part":        {bound, "0::/docker/xyz\n", Group{}, "no cgroup v2 hierarchy"},
		"name that continues": {bound, "0::/docker/abcdef\n", Group{}, "no cgroup v2 hierarchy"},
		"other namespace":     {unified, "0::/../xyz\n", Group{}, "outside our cgroup namespace"},
		"not mounted":         {"", "9:freezer:/docker/abc\n", Group{}, "mount the host's /sys/fs/cgroup"},
		"no cgroups":          {hybrid, "", Group{}, "neither"},
		"garbage":             {"a b c\n - \n", "x\n::\n", Group{}, "neither"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := locate(c.mounts, c.member, Freezer)
			got.of, got.root, got.point = "", "", ""
			if got != c.want || (err == nil) != (c.wants == "") || !strings.Contains(fmt.Sprint(err), c.wants) {
				t.Errorf("got %+v, %v; want %+v, %q", got, err, c.want, c.wants)
			}
		})
	}
}

// hierarchies are those in which this host can freeze. A hybrid host has both.
func hierarchies(t *testing.T) map[string]Group {
	t.Helper()
	if os.Getuid() != 0 {
		skip(t, "needs root: makes cgroups")
	}
	found := map[string]Group{}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(mounts)) {
		root, point, version := mount(line, Freezer)
		if version != 0 && found[fmt.Sprint("v", version)].Dir == "" {
			found[fmt.Sprint("v", version)] = Group{Version: version, root: root, point: point}
		}
	}
	if len(found) == 0 {
		skip(t, "needs a cgroup hierarchy with a freezer: none is mounted here")
	}
	return found
}

// skip skips a test that this host cannot run; where it must be able to, that
// is a failure.
func skip(t testing.TB, format string, arguments ...any) {
	t.Helper()
	if os.Getenv("SHAKEDOWN_REQUIRE_DOCKER") == "1" {
		t.Fatalf(format, arguments...)
	}
	t.Skipf(format, arguments...)
}

// newGroup makes a throw-away group with one spinning process in it.
func newGroup(t *testing.T, in Group) (Group, *exec.Cmd) {
	t.Helper()
	name := fmt.Sprintf("shakedown-test-%d-%d", os.Getpid(), time.Now().UnixNano())
	g := in
	g.Path, g.Dir = filepath.Join(in.root, name), filepath.Join(in.point, name)
	if err := os.Mkdir(g.Dir, 0o755); err != nil {
		t.Skipf("cgroups cannot be made in %s: %v", in.point, err)
	}
	c := exec.Command("/proc/self/exe", "spin")
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Process.Kill()
		if err := g.Thaw(soon(context.Background())); err != nil {
			t.Error(err)
		}
		c.Wait()
		for g.Remove() != nil && !t.Failed() {
			time.Sleep(time.Millisecond)
		}
	})
	if err := g.Add(c.Process.Pid); err != nil {
		t.Fatal(err)
	}
	return g, c
}

// A group that somebody left behind is made anew, and one in use is not.
func TestMakeAgain(t *testing.T) {
	name := fmt.Sprintf("shakedown-test-%d-%d", os.Getpid(), time.Now().UnixNano())
	left, err := Make(os.Getpid(), Freezer, name)
	if err != nil {
		t.Skipf("this process may not make control groups: %v", err)
	}
	if _, err := Make(os.Getpid(), Freezer, name); err != nil {
		t.Errorf("an empty one is in the way: %v", err)
	}
	c := exec.Command("/proc/self/exe", "spin")
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	if err := left.Add(c.Process.Pid); err != nil {
		t.Error(err)
	}
	if _, err := Make(os.Getpid(), Freezer, name); !errors.Is(err, fs.ErrExist) {
		t.Errorf("one with a process in it: %v", err)
	}
	c.Process.Kill()
	c.Wait()
	for left.Remove() != nil && !t.Failed() {
		time.Sleep(time.Millisecond)
	}
}

func soon(ctx context.Context) context.Context {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	context.AfterFunc(ctx, cancel)
	return ctx
}

func TestFreezeAndThaw(t *testing.T) {
	for name, in := range hierarchies(t) {
		t.Run(name, func(t *testing.T) {
			g, c := newGroup(t, in)
			if pids, err := g.Processes(); err != nil || !slices.Equal(pids, []int{c.Process.Pid}) {
				t.Errorf("processes %v, %v; want %d", pids, err, c.Process.Pid)
			}
			for _, step := range []struct {
				do   func(context.Context) error
				want string
			}{{g.Freeze, "FROZEN"}, {g.Freeze, "FROZEN"}, {g.Thaw, "THAWED"}, {g.Thaw, "THAWED"}, {g.Freeze, "FROZEN"}} {
				if err := step.do(soon(t.Context())); err != nil {
					t.Fatal(err)
				}
				if got, err := g.State(); got != step.want || err != nil {
					t.Errorf("%s, %v; want %s", got, err, step.want)
				}
			}
		})
	}
}

func TestGroupsBelowBelongToIt(t *testing.T) {
	for name, in := range hierarchies(t) {
		t.Run(name, func(t *testing.T) {
			g, c := newGroup(t, in)
			below := g
			below.Dir, below.Path = filepath.Join(g.Dir, "below"), g.Path+"/below"
			if err := os.Mkdir(below.Dir, 0o755); err != nil {
				t.Fatal(err)
			}
			defer below.Remove()
			if err := below.Add(c.Process.Pid); err != nil {
				t.Fatal(err)
			}
			if pids, err := g.Processes(); err != nil || !slices.Equal(pids, []int{c.Process.Pid}) {
				t.Errorf("processes %v, %v; want %d", pids, err, c.Process.Pid)
			}
			if err := g.Freeze(soon(t.Context())); err != nil {
				t.Fatal(err)
			}
			if got, err := below.State(); got != "FROZEN" || err != nil {
				t.Errorf("the group below is %s, %v", got, err)
			}
			c.Process.Kill()
			if err := g.Thaw(soon(t.Context())); err != nil {
				t.Fatal(err)
			}
			c.Wait()
		})
	}
}

// What cannot be reached in time is taken back: here, since the group above
// is frozen, the group cannot be thawed.
func TestDeadline(t *testing.T) {
	in, ok := hierarchies(t)["v1"]
	if !ok {
		t.Skip("needs cgroup v1")
	}
	g, c := newGroup(t, in)
	below := g
	below.Dir, below.Path = filepath.Join(g.Dir, "below"), g.Path+"/below"
	if err := os.Mkdir(below.Dir, 0o755); err != nil {
		t.Fatal(err)
	}
	defer below.Remove()
	if err := below.Add(c.Process.Pid); err != nil {
		t.Fatal(err)
	}
	if err := g.Freeze(soon(t.Context())); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := below.Thaw(ctx); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "still FROZEN") {
		t.Errorf("thawed below a frozen group: %v", err)
	}
	c.Process.Kill()
	if err := g.Thaw(soon(t.Context())); err != nil {
		t.Fatal(err)
	}
	c.Wait()
}

func TestRemovedGroup(t *testing.T) {
	g := Group{Version: 1, Path: "/gone", Dir: filepath.Join(t.TempDir(), "gone")}
	for _, version := range []int{1, 2} {
		g.Version = version
		if err := g.Thaw(t.Context()); err != nil {
			t.Errorf("v%d: thaw: %v", version, err)
		}
		if state, err := g.State(); state != "THAWED" || err != nil {
			t.Errorf("v%d: %s, %v", version, state, err)
		}
		if pids, err := g.Processes(); len(pids) != 0 || err != nil {
			t.Errorf("v%d: processes %v, %v", version, pids, err)
		}
		if err := g.Freeze(t.Context()); err == nil {
			t.Errorf("v%d: what is not there was frozen", version)
		}
	}
}

func TestApart(t *testing.T) {
	own, err := Of(os.Getpid())
	if err != nil {
		t.Skipf("needs cgroups: %v", err)
	}
	for _, c := range []struct {
		path  string
		wants string
	}{
		{"/", "root cgroup"},
		{own.Path, "cgroup"},
		{"/shakedown-somewhere-else", ""},
	} {
		err := Group{Version: own.Version, Path: c.path}.Apart()
		if (err == nil) != (c.wants == "") || !strings.Contains(fmt.Sprint(err), c.wants) {
			t.Errorf("%s: %v; want %q", c.path, err, c.wants)
		}
	}
}

// The group that holds the tests, and every one above it, is refused.
func TestApartFromOurOwn(t *testing.T) {
	for _, in := range hierarchies(t) {
		g, c := newGroup(t, in)
		if own, err := Of(os.Getpid()); err != nil || own.Version != g.Version {
			continue
		}
		if err := g.Apart(); err != nil {
			t.Errorf("a node's own group is refused: %v", err)
		}
		before, err := Of(os.Getpid())
		if err != nil {
			t.Fatal(err)
		}
		if err := g.Add(os.Getpid()); err != nil {
			t.Fatal(err)
		}
		err = g.Apart()
		if back := before.Add(os.Getpid()); back != nil {
			t.Fatal(back)
		}
		if err == nil || !strings.Contains(err.Error(), "holds the agent too") {
			t.Errorf("the group that we are in (with %d): %v", c.Process.Pid, err)
		}
	}
}

func TestReadPids(t *testing.T) {
	file := filepath.Join(t.TempDir(), "cgroup.procs")
	for _, c := range []struct {
		text string
		want []int
		ok   bool
	}{
		{"", nil, true}, {"1\n22\n", []int{1, 22}, true}, {"0\n7\n", []int{7}, true}, {"seven\n", nil, false},
	} {
		if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := readPids(file); !slices.Equal(got, c.want) || (err == nil) != c.ok {
			t.Errorf("%q: %v, %v; want %v", c.text, got, err, c.want)
		}
	}
}
