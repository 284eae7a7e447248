package txn

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/history"
)

var update = flag.Bool("update", false, "write what the checkers say into testdata")

// TestData judges the tiny histories of testdata. A case is
//
//	# what it is about
//	list-append serializable
//	p0 1-4 ok    append x 1, read y [2]
//	p1 2-3 info  append y 2
//	---
//	what the checker says
//
// p0 is the process, 1-4 when the transaction began and ended.
func TestData(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var again strings.Builder
		for i, block := range strings.Split(strings.TrimSpace(string(text)), "\n\n") {
			question, answer, _ := strings.Cut(block, "\n---\n")
			says, err := ask(question)
			if err != nil {
				t.Fatalf("%s, case %d: %v", file, i+1, err)
			}
			if !*update && strings.TrimSpace(answer) != says {
				t.Errorf("%s\n%s\n--- but it says\n%s", file, block, says)
			}
			fmt.Fprintf(&again, "%s\n---\n%s\n\n", question, says)
		}
		if *update {
			if err := os.WriteFile(file, []byte(strings.TrimSpace(again.String())+"\n"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func ask(question string) (string, error) {
	lines := slices.DeleteFunc(strings.Split(question, "\n"), func(l string) bool { return strings.HasPrefix(l, "#") })
	asked := strings.Fields(lines[0])
	if len(asked) < 2 {
		return "", errors.New("the first line names the checker and the level")
	}
	o := Options{Level: asked[1]}
	for _, word := range asked[2:] {
		switch word {
		case "sequential-keys":
			o.SequentialKeys = true
		case "linearizable-keys":
			o.LinearizableKeys = true
		case "any-initial":
			o.AnyInitial = true
		case "no-sessions":
			o.NoSessions = true
		default:
			return "", fmt.Errorf("no option %s", word)
		}
	}
	h, err := parseTiny(lines[1:])
	if err != nil {
		return "", err
	}
	c := RWRegister(o)
	if asked[0] == "list-append" {
		c = ListAppend(o)
	}
	r := c.Check(nilContext(), h)
	if err := provenByFindings(r); err != nil {
		return "", err
	}
	says := []string{r.Verdict.String()}
	if len(r.Evidence) > 0 {
		says[0] += fmt.Sprintf(", evidence %v", r.Evidence)
	}
	return strings.Join(append(says, r.Says...), "\n"), nil
}

// provenByFindings tells what a page could not draw: a violation without a
// finding, a cycle that does not close, a proof that the result does not have.
func provenByFindings(r checkers.Result) error {
	if (r.Verdict == checkers.Violation) != (len(r.Findings) > 0) {
		return fmt.Errorf("it is %v, with %d findings", r.Verdict, len(r.Findings))
	}
	subset := func(events []int) bool {
		return len(events) > 0 && !slices.ContainsFunc(events, func(e int) bool { return !slices.Contains(r.Evidence, e) })
	}
	for _, f := range r.Findings {
		if f.Kind == "" || len(f.Says) == 0 || !subset(f.Events) {
			return fmt.Errorf("no proof: %+v of the evidence %v", f, r.Evidence)
		}
		for i, e := range f.Cycle {
			next := f.Cycle[(i+1)%len(f.Cycle)]
			if e.To != next.From || e.ToEvent != next.FromEvent || e.Says == "" || e.Kind == "" || !subset(e.Events) {
				return fmt.Errorf("edge %d does not lead on to the next, or has no proof: %+v", i, e)
			}
			if !slices.Contains(e.Events, e.FromEvent) || !slices.Contains(e.Events, e.ToEvent) {
				return fmt.Errorf("edge %d is not proven by its own transactions: %+v", i, e)
			}
		}
	}
	return nil
}

func parseTiny(lines []string) (*history.History, error) {
	type event struct {
		at int
		op history.Op
	}
	var events []event
	for _, line := range lines {
		fields := strings.Fields(line)
		if len(fields) < 3 {
			return nil, fmt.Errorf("%q is no transaction", line)
		}
		process, err := strconv.Atoi(strings.TrimPrefix(fields[0], "p"))
		if err != nil {
			return nil, err
		}
		begin, end, _ := strings.Cut(fields[1], "-")
		b, err := strconv.Atoi(begin)
		if err != nil {
			return nil, err
		}
		var mops []string
		for _, mop := range strings.Split(strings.Join(fields[3:], " "), ", ") {
			mops = append(mops, tinyMopJSON(strings.Fields(mop)))
		}
		op := history.Op{Process: process, F: "txn", Time: time.Duration(b) * time.Second, Value: []byte("[" + strings.Join(mops, ",") + "]")}
		events = append(events, event{b, op})
		if end == "" {
			continue
		}
		e, err := strconv.Atoi(end)
		if err != nil {
			return nil, err
		}
		op.Time = time.Duration(e) * time.Second
		if err := op.Type.UnmarshalText([]byte(fields[2])); err != nil {
			return nil, err
		}
		events = append(events, event{e, op})
	}
	slices.SortStableFunc(events, func(a, b event) int { return cmp.Compare(a.at, b.at) })
	var ops []history.Op
	for _, e := range events {
		ops = append(ops, e.op)
	}
	return reindexed(ops), nil
}

func tinyMopJSON(words []string) string {
	quoted := strconv.Quote(words[1])
	value := strings.ReplaceAll(strings.Join(words[2:], ","), "nil", "null")
	switch words[0] {
	case "append":
		return `["append",` + quoted + "," + value + "]"
	case "write":
		return `["w",` + quoted + "," + value + "]"
	}
	return `["r",` + quoted + "," + value + "]"
}

// TestPages writes all pages of a violation: the text has every sentence, the
// pictures are well-formed and have a box for each transaction.
func TestPages(t *testing.T) {
	for _, lists := range []bool{true, false} {
		check := ListAppend(Options{})
		if !lists {
			check = RWRegister(Options{})
		}
		drawn, planted := 0, plants(t, check.Name())
		for _, p := range planted {
			h, _ := p.in(usual(lists).make(50, 1), 20)
			r := check.Check(t.Context(), h)
			for _, page := range r.Pages {
				var b bytes.Buffer
				if err := page.Write(&b); err != nil {
					t.Fatal(err)
				}
				switch filepath.Ext(page.Name) {
				case ".svg":
					drawn++
					wellFormed(t, page.Name, b.Bytes())
				case ".txt":
					if !strings.Contains(b.String(), p.anomaly) || !strings.HasPrefix(b.String(), "Ruled out: ") || !strings.Contains(b.String(), strictSerializable) {
						t.Errorf("%s does not tell of %s:\n%s", page.Name, p.anomaly, b.String())
					}
					if !strings.Contains(b.String(), "does not keep") || !strings.Contains(b.String(), "strict-serializable") {
						t.Errorf("%s does not list the levels:\n%s", page.Name, b.String())
					}
				}
				if err := page.Write(failing{}); err == nil {
					t.Errorf("%s was written to a full disk", page.Name)
				}
			}
		}
		if drawn < len(planted)/3 {
			t.Errorf("only %d pictures", drawn)
		}
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

func wellFormed(t *testing.T, name string, text []byte) {
	t.Helper()
	d := xml.NewDecoder(bufio.NewReader(bytes.NewReader(text)))
	boxes, curves := 0, 0
	for {
		token, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, text)
		}
		if e, ok := token.(xml.StartElement); ok {
			for _, a := range e.Attr {
				if strings.Contains(a.Value, "NaN") || strings.Contains(a.Value, "Inf") {
					t.Errorf("%s: %s=%q", name, a.Name.Local, a.Value)
				}
				if a.Name.Local == "rx" {
					boxes++
				}
				if a.Name.Local == "marker-end" {
					curves++
				}
			}
		}
	}
	if boxes < 2 || curves < boxes {
		t.Errorf("%s has %d boxes and %d curves", name, boxes, curves)
	}
}
