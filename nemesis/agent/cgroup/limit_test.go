//go:build linux

package cgroup

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// tree makes a directory that looks like a group of version 2.
func tree(t *testing.T, files map[string]string) Group {
	t.Helper()
	g := Group{Version: 2, Path: "/n1", Dir: t.TempDir()}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(g.Dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return g
}

func says(t *testing.T, g Group) map[string]string {
	t.Helper()
	all := map[string]string{}
	entries, err := os.ReadDir(g.Dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		text, err := g.read(e.Name())
		if err != nil {
			t.Fatal(err)
		}
		all[e.Name()] = text
	}
	return all
}

// Version 2 cannot be tried on every host: these are the files that its
// documentation describes (Documentation/admin-guide/cgroup-v2.rst).
func TestLimitsOfVersion2(t *testing.T) {
	before := map[string]string{
		"cpu.max": "max 100000", "memory.max": "max", "memory.swap.max": "4096", "pids.max": "max",
		"cpu.stat":    "usage_usec 7\nuser_usec 5\nnr_periods 9\nnr_throttled 4\nthrottled_usec 8",
		"pids.events": "max 6", "memory.events": "low 0\nhigh 0\nmax 12\noom 3\noom_kill 2",
	}
	g := tree(t, before)
	var undo [][]Setting
	for _, limit := range []func() ([]Setting, error){
		func() ([]Setting, error) { return g.LimitCPU(0.25) },
		func() ([]Setting, error) { s, _, err := g.LimitMemory(64 << 20); return s, err },
		func() ([]Setting, error) { return g.LimitPids(20) },
	} {
		s, err := limit()
		if err != nil {
			t.Fatal(err)
		}
		undo = append(undo, s)
	}
	is := says(t, g)
	for file, want := range map[string]string{"cpu.max": "25000 100000", "memory.max": "67108864", "memory.swap.max": "0", "pids.max": "20"} {
		// A plain file keeps what it had behind what is written to it.
		if !strings.HasPrefix(is[file], want) {
			t.Errorf("%s says %q; want %q", file, is[file], want)
		}
	}
	throttled, err1 := g.Throttled()
	refused, err2 := g.Refused()
	hits, kills, err3 := g.Shortages()
	if got := fmt.Sprint(throttled, refused, hits, kills, err1, err2, err3); got != "4 6 12 2 <nil> <nil> <nil>" {
		t.Errorf("counted %s", got)
	}
	for _, s := range undo {
		for _, one := range s { // As a kernel's file would.
			if err := os.Truncate(filepath.Join(g.Dir, one.File), 0); err != nil {
				t.Fatal(err)
			}
		}
		if err := g.Restore(s); err != nil {
			t.Error(err)
		}
	}
	if after := says(t, g); !maps.Equal(after, before) {
		t.Errorf("restored to %q; want %q", after, before)
	}
}

func TestLimitsThatCannotBe(t *testing.T) {
	for name, c := range map[string]struct {
		group Group
		do    func(Group) error
		wants string
	}{
		"controller off": {tree(t, nil), func(g Group) error { _, err := g.LimitPids(3); return err }, "cgroup.subtree_control"},
		"no such group":  {Group{Version: 2, Path: "/n1", Dir: "/nowhere"}, func(g Group) error { _, err := g.LimitPids(3); return err }, "no such file"},
		"no such count":  {tree(t, map[string]string{"cpu.stat": "usage_usec 7"}), func(g Group) error { _, err := g.Throttled(); return err }, `no "nr_throttled"`},
		"not restored": {tree(t, map[string]string{"pids.max": "max and more"}), func(g Group) error { return g.Restore([]Setting{{"pids.max", "max"}}) },
			"was restored to \"max\" but says \"max and more\""},
	} {
		if err := c.do(c.group); err == nil || !strings.Contains(err.Error(), c.wants) {
			t.Errorf("%s: error %v; want one with %q", name, err, c.wants)
		}
	}
	if err := (Group{Version: 1, Dir: "/nowhere"}).Restore([]Setting{{"pids.max", "max"}}); err != nil {
		t.Errorf("a group that is gone is as good as restored: %v", err)
	}
}

// What is done to a real group is read back from the kernel, and taken back
// exactly.
func TestLimitsOfThisHost(t *testing.T) {
	if os.Getuid() != 0 {
		skip(t, "needs root: makes cgroups")
	}
	for _, c := range []struct {
		controller string
		limit      func(Group) ([]Setting, error)
		v1, v2     map[string]string
	}{
		{CPU, func(g Group) ([]Setting, error) { return g.LimitCPU(0.1) },
			map[string]string{"cpu.cfs_quota_us": "10000", "cpu.cfs_period_us": "100000"}, map[string]string{"cpu.max": "10000 100000"}},
		{CPU, func(g Group) ([]Setting, error) { return g.LimitCPU(0.00001) }, // less than the kernel takes
			map[string]string{"cpu.cfs_quota_us": "1000"}, map[string]string{"cpu.max": "1000 100000"}},
		{Memory, func(g Group) ([]Setting, error) { s, _, err := g.LimitMemory(16 << 20); return s, err },
			map[string]string{"memory.limit_in_bytes": "16777216"}, map[string]string{"memory.max": "16777216"}},
		{Pids, func(g Group) ([]Setting, error) { return g.LimitPids(7) },
			map[string]string{"pids.max": "7"}, map[string]string{"pids.max": "7"}},
	} {
		t.Run(c.controller, func(t *testing.T) {
			g, err := Make(os.Getpid(), c.controller, fmt.Sprintf("shakedown-test-%d-%d", os.Getpid(), time.Now().UnixNano()))
			if err != nil {
				skip(t, "needs the controller %s: %v", c.controller, err)
			}
			defer g.Remove()
			want := c.v1
			if g.Version == 2 {
				want = c.v2
			}
			was := map[string]string{}
			for file := range want {
				if was[file], err = g.read(file); err != nil {
					t.Fatal(err)
				}
			}
			before, err := c.limit(g)
			if err != nil {
				t.Fatal(err)
			}
			for file, text := range want {
				if is, err := g.read(file); is != text || err != nil {
					t.Errorf("%s says %q, %v; want %q", file, is, err, text)
				}
			}
			if err := g.Restore(before); err != nil {
				t.Error(err)
			}
			for file, text := range was {
				if is, err := g.read(file); is != text || err != nil {
					t.Errorf("restored, %s says %q, %v; want %q", file, is, err, text)
				}
			}
		})
	}
}
