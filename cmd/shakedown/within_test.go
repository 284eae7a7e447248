package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// writeRegisters writes a history of that many operations on registers of 200
// operations each, which are read after each write. The last register's last
// read finds the value before the last, if that is asked for.
func writeRegisters(t *testing.T, file string, operations int, stale bool) {
	t.Helper()
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	w := bufio.NewWriter(f)
	for i := range operations {
		name, value := "write", i
		if i%2 == 1 {
			name, value = "read", i-1
		}
		if stale && i == operations-1 {
			value -= 2
		}
		asked := map[string]string{"write": fmt.Sprint(value), "read": "null"}[name]
		for at, event := range []struct{ typ, value string }{{"invoke", asked}, {"ok", fmt.Sprint(value)}} {
			fmt.Fprintf(w, `{"index":%d,"time_ns":%d,"process":0,"type":%q,"f":%q,"key":"r%d","value":%s,"node":"n1"}`+"\n",
				2*i+at, 1000*i+500*at, event.typ, name, i/200, event.value)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// In a control group with less memory than a history takes, it is judged all the
// same, with the same result, and the group's limit is not reached by force.
func TestCheckWithinLittleMemory(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("a control group takes root")
	}
	dir := t.TempDir()
	for _, stale := range []bool{false, true} {
		file := filepath.Join(dir, "history.jsonl")
		writeRegisters(t, file, 100_000, stale)
		check := func(before ...string) (out map[string]any, code int) {
			all := append(before, "shakedown", "check", file, "--model", "register", "--json")
			c := exec.Command(all[0], all[1:]...)
			var errors strings.Builder
			c.Stderr = &errors
			text, err := c.Output()
			if strings.Contains(errors.String(), "mkdir: ") {
				t.Skipf("no control group can be made here: %s", errors.String())
			}
			if err := json.Unmarshal(text, &out); err != nil {
				t.Fatalf("%v: %v\n%s\n%s", c.Args, err, text, errors.String())
			}
			if err != nil && c.ProcessState.ExitCode() < 0 {
				t.Fatal(err)
			}
			return out, c.ProcessState.ExitCode()
		}
		want, code := check()
		if code != map[bool]int{false: 0, true: 1}[stale] {
			t.Fatalf("stale %v: exit %d, %v", stale, code, want)
		}
		for _, mebibytes := range []string{"64", "100"} {
			got, gotCode := check("../../.ci/within", mebibytes)
			untimed := cmpopts.IgnoreMapEntries(func(k string, _ any) bool { return k == "took_ns" })
			if diff := cmp.Diff(want, got, untimed); diff != "" || gotCode != code {
				t.Errorf("exit %d, want %d; -with all memory +within %s MiB:\n%s", gotCode, code, mebibytes, diff)
			}
		}
	}
}
