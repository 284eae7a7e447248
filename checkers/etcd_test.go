package checkers

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/shakedown-dev/shakedown/history"
)

// TestEtcdHistories judges real histories of etcd under partitions, recorded
// by Jepsen, whose verdicts others have given. Values repeat and failed
// compare-and-sets count as observations there, so this tries the search
// without reduction, and shrinking.
func TestEtcdHistories(t *testing.T) {
	dir := filepath.Join("..", "..", "shared", "histories", "porcupine-etcd-jepsen")
	table, err := os.ReadFile(filepath.Join(dir, "verdicts.tsv"))
	if err != nil {
		t.Skipf("the shared histories are not there: %v", err)
	}
	judged := 0
	for line := range strings.Lines(string(table)) {
		fields := strings.Split(line, "\t")
		want := map[string]Verdict{"ok": Valid, "illegal": Violation}[fields[2]]
		if want == Unknown {
			continue
		}
		r := readEtcdLog(t, filepath.Join(dir, fields[0]))
		got, reason := judge(context.Background(), r.accesses)
		if got != want {
			t.Errorf("%s: %v (%s), want %v", fields[0], got, reason, want)
		}
		if got == Violation {
			core := shrink(context.Background(), r.accesses)
			if verdict, _ := search(context.Background(), core); verdict != Violation {
				t.Errorf("%s: its counterexample is %v", fields[0], verdict)
			}
		}
		judged++
	}
	if judged < 50 {
		t.Errorf("only %d histories were judged", judged)
	}
}

// readEtcdLog reads lines such as "INFO  jepsen.util - 3	:ok	:cas	[1 2]".
func readEtcdLog(t *testing.T, path string) *register {
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var ops []history.Op
	refused := map[int]bool{}
	for lines := bufio.NewScanner(file); lines.Scan(); {
		_, rest, ok := strings.Cut(lines.Text(), " - ")
		// Columns are apart by tabs, in some logs by spaces.
		fields := strings.Fields(rest)
		if len(fields) == 5 {
			fields = append(fields[:3], fields[3]+" "+fields[4])
		}
		if !ok || len(fields) != 4 {
			continue
		}
		op := history.Op{Index: len(ops), F: fields[2][1:], Value: etcdValue(fields[3])}
		if op.Process, err = strconv.Atoi(fields[0]); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		if err := op.Type.UnmarshalText([]byte(fields[1][1:])); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		if op.Type == history.Fail && op.F == "cas" {
			op.Type = history.OK
			refused[op.Index] = true
		}
		ops = append(ops, op)
	}
	if len(ops) == 0 {
		t.Fatalf("%s: no line was understood", path)
	}
	return refusing(history.New(ops), refused)
}

// etcdValue turns "nil", "3", "[1 2]" and ":timed-out" into JSON.
func etcdValue(text string) json.RawMessage {
	if text == "nil" || strings.HasPrefix(text, ":") {
		return nil
	}
	return json.RawMessage(strings.ReplaceAll(text, " ", ","))
}

// refusing is the register of h in which the compare-and-sets completed by the
// named events did not find what they expected.
func refusing(h *history.History, refused map[int]bool) *register {
	r := registers(h, linearizable{model: models()[1]}, null)[0]
	for i := range r.accesses {
		a := &r.accesses[i]
		if a.ret != open && refused[a.ret] {
			a.refuses, a.needs, a.sets = a.needs, nothing, nothing
		}
	}
	return r
}
