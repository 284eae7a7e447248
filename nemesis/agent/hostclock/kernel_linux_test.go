package hostclock

import (
	"os"
	"strings"
	"testing"
)

// The clocks of this machine are read, and never set.
func TestLinuxIsRead(t *testing.T) {
	real, since, err := Linux{}.Now()
	if err != nil || real < 1e18 || since <= 0 {
		t.Errorf("%v %v %v", real, since, err)
	}
	if boot, err := (Linux{}).Boot(); len(boot) != 36 || err != nil {
		t.Errorf("%q %v", boot, err)
	}
}

// This process stands for one that keeps the time.
func TestProgramsAreFound(t *testing.T) {
	comm, err := os.ReadFile("/proc/self/comm")
	if err != nil {
		t.Fatal(err)
	}
	all, err := programs("/proc", []string{strings.TrimSpace(string(comm))})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		if p.Pid == os.Getpid() && p.Born != "" {
			return
		}
	}
	t.Errorf("this process is not among %+v", all)
}
