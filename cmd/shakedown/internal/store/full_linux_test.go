package store

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/shakedown-dev/shakedown/history"
)

// confinedFolder, when set, makes the test binary a process that may write no
// file longer than confinedSize: the nearest thing to a full disk that needs
// no rights.
const (
	confinedFolder = "SHAKEDOWN_TEST_CONFINED_FOLDER"
	confinedSize   = 4096
)

func TestMain(m *testing.M) {
	if path := os.Getenv(confinedFolder); path != "" {
		if err := beConfined(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func beConfined(path string) error {
	signal.Ignore(syscall.SIGXFSZ)
	limit := unix.Rlimit{Cur: confinedSize, Max: confinedSize}
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	f, err := Open(path)
	if err != nil {
		return err
	}
	if err := f.WriteFile("result.json", bytes.Repeat([]byte("x"), 2*confinedSize)); !errors.Is(err, unix.EFBIG) {
		return fmt.Errorf("result: got %v", err)
	}
	return fillHistory(f)
}

// fillHistory appends until there is no more room.
func fillHistory(f *Folder) error {
	file, err := f.CreateHistory()
	if err != nil {
		return err
	}
	w := history.NewWriter(file, func() time.Duration { return 0 })
	for process := 0; ; process++ {
		if _, err = w.Append(history.Op{Process: process, Type: history.Invoke, F: "read"}); err != nil {
			break
		}
		fmt.Println(process)
	}
	if !errors.Is(err, unix.EFBIG) || !errors.Is(w.Close(), unix.EFBIG) {
		return fmt.Errorf("history: got %v", err)
	}
	return file.Close()
}

// Without this test a full disk could replace a good file by a piece of one,
// or leave a history that nobody can read.
func TestFullDisk(t *testing.T) {
	f := create(t, t.TempDir(), "s", tenFifteen, 1)
	if err := f.WriteFile("result.json", []byte("{}")); err != nil {
		t.Fatal(err)
	}
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	confined := exec.CommandContext(t.Context(), executable)
	confined.Env = append(os.Environ(), confinedFolder+"="+f.Path())
	confined.Stderr = os.Stderr
	said, err := confined.Output()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := f.ReadFile("result.json"); err != nil || string(got) != "{}" {
		t.Errorf("the file that was there is now %.20q, %v", got, err)
	}
	if got := names(t, f); !slices.Equal(got, []string{"history.jsonl", "result.json"}) {
		t.Errorf("left behind: %q", got)
	}
	h, err := history.ReadFile(f.Path() + "/" + HistoryFile)
	if err != nil {
		t.Fatal(err)
	}
	if appended := strings.Count(string(said), "\n"); appended == 0 || len(h.Ops) != appended || !h.Truncated {
		t.Errorf("%d events, %d were appended, truncated=%t", len(h.Ops), appended, h.Truncated)
	}
}
