// Package conform is for the tests of clients: what a client of every system
// must answer, told in conform.txt.
package conform

import (
	"bufio"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/shakedown-dev/shakedown/history"
	"github.com/shakedown-dev/shakedown/runner/client"
	"github.com/shakedown-dev/shakedown/scenarios"
)

//go:embed conform.txt
var text string

// patience bounds one operation against a healthy system.
const patience = 20 * time.Second

// Run holds the systems that open makes to conform.txt, one for each workload;
// every system must be empty. A nil System has no such workload.
func Run(t *testing.T, n client.Node, open func(scenarios.Workload) client.System) {
	for _, block := range strings.Split(text, "\nworkload ")[1:] {
		name, rest, _ := strings.Cut(block, "\n")
		name, optional := strings.CutSuffix(name, "?")
		t.Run(name, func(t *testing.T) {
			sys := open(scenarios.Workload{Use: name, Accounts: 3, Balance: 10})
			if sys == nil && optional {
				t.Skip("it has no such workload")
			}
			if sys == nil {
				t.Fatal("it must have this workload")
			}
			newTalk(t, sys, n).all(rest)
		})
	}
}

// A talk is what clients are asked in one block.
type talk struct {
	t       *testing.T
	sys     client.System
	node    client.Node
	clients map[string]client.Client
	kept    map[string]string
}

func newTalk(t *testing.T, sys client.System, n client.Node) *talk {
	if p, ok := sys.(client.Preparer); ok {
		for range 2 { // twice is no error
			if err := p.Prepare(t.Context(), []client.Node{n}); err != nil {
				t.Fatal(err)
			}
		}
	}
	return &talk{t: t, sys: sys, node: n, clients: map[string]client.Client{}, kept: map[string]string{}}
}

func (k *talk) all(block string) {
	defer func() {
		for _, c := range k.clients {
			if err := c.Close(); err != nil {
				k.t.Errorf("close a client: %v", err)
			}
		}
	}()
	lines := bufio.NewScanner(strings.NewReader(block))
	for lines.Scan() {
		if asked, wanted, ok := strings.Cut(lines.Text(), " -> "); ok {
			k.ask(k.fill(asked), strings.TrimSpace(k.fill(wanted)))
		}
	}
}

// fill puts what was kept in place of its names.
func (k *talk) fill(line string) string {
	for name, value := range k.kept {
		line = strings.ReplaceAll(line, "$"+name, value)
	}
	return line
}

func (k *talk) ask(asked, wanted string) {
	k.t.Helper()
	words := strings.Fields(asked)
	if len(words) != 4 {
		k.t.Fatalf("%q has %d words", asked, len(words))
	}
	op := history.Op{F: words[1], Key: strings.Trim(words[2], "-")}
	if words[3] != "-" {
		op.Value = json.RawMessage(words[3])
	}
	ctx, cancel := context.WithTimeout(k.t.Context(), patience)
	defer cancel()
	done := k.client(words[0]).Invoke(ctx, op)
	value := string(done.Value)
	if value == "" {
		value = "null"
	}
	got := fmt.Sprintf("%s %s", done.Type, value)
	if done.Type == history.Fail && string(done.Value) == string(op.Value) { // else it tells what it found
		got = fmt.Sprintf("%s %s", done.Type, done.Error)
	}
	if !k.matches(wanted, got) {
		k.t.Errorf("%s\n  want %s\n  got  %s %s", asked, wanted, got, done.Error)
	}
}

func (k *talk) client(name string) client.Client {
	if c, ok := k.clients[name]; ok {
		return c
	}
	c, err := k.sys.Open(k.t.Context(), k.node)
	if err != nil {
		k.t.Fatal(err)
	}
	k.clients[name] = c
	return c
}

// matches compares an answer with the pattern, and keeps what it asks for.
func (k *talk) matches(wanted, got string) bool {
	pattern := regexp.QuoteMeta(wanted)
	pattern = regexp.MustCompile(`\\\$([a-z]+)=…`).ReplaceAllString(pattern, `(?P<$1>.+?)`)
	pattern = strings.ReplaceAll(pattern, "…", ".+")
	re := regexp.MustCompile("^" + pattern + "$")
	found := re.FindStringSubmatch(got)
	if found == nil {
		return false
	}
	for i, name := range re.SubexpNames() {
		if name == "" {
			continue
		}
		for other, value := range k.kept {
			if value == found[i] {
				k.t.Errorf("%s is %s, which is also %s", name, value, other)
			}
		}
		k.kept[name] = found[i]
	}
	return true
}
