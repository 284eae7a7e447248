package disk

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestReadsAhead reads back what the kernel has for the mount.
func TestReadsAhead(t *testing.T) {
	w := mounted(t)
	if err := w.fs.ReadsAhead; err != nil {
		t.Fatal(err)
	}
	var st unix.Stat_t
	w.must(unix.Stat(w.dir, &st))
	got, err := os.ReadFile(fmt.Sprintf("/sys/class/bdi/%d:%d/read_ahead_kb", unix.Major(st.Dev), unix.Minor(st.Dev)))
	w.must(err)
	if strings.TrimSpace(string(got)) != fmt.Sprint(readAhead) {
		t.Errorf("it reads %s KiB ahead, want %d", got, readAhead)
	}
	if err := widenReadAhead(w.path("not there"), w.back); err == nil {
		t.Error("what is not there was widened")
	}
}
