package runner

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/shakedown-dev/shakedown/runner/client"
	"github.com/shakedown-dev/shakedown/runner/client/http"
	"github.com/shakedown-dev/shakedown/scenarios"
)

// answerWithin is how long the nodes have to say who leads. One that is frozen
// would not in a minute.
const answerWithin = time.Second

// askNode asks a node a question of the scenario and returns what it said, and
// whether that means yes.
func askNode(ctx context.Context, a scenarios.Ask, n client.Node) (said string, yes bool, err error) {
	value, err := http.Ask(ctx, n, a.Port, a.HTTP, a.Field)
	if err != nil {
		return "", false, err
	}
	said = plainText(value)
	switch {
	case a.Field == "":
		return said, true, nil // the status was one of success
	case a.Is != "":
		return said, said == a.Is, nil
	}
	return said, said == "true", nil
}

// plainText is a JSON value as a person would write it: strings without quotes.
func plainText(value json.RawMessage) string {
	var text string
	if json.Unmarshal(value, &text) == nil {
		return text
	}
	return string(value)
}

// askLeader asks every node who leads, as the scenario says, and returns the
// one that most of them name. A node may say of itself that it leads, or name
// the leader.
func askLeader(ctx context.Context, a scenarios.Ask, nodes []client.Node) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	type answer struct {
		leader string
		err    error
	}
	answers := make(chan answer, len(nodes))
	for _, n := range nodes {
		go func() {
			said, yes, err := askNode(ctx, a, n)
			if yes {
				said = n.Name
			}
			leader := named(said, nodes)
			if err == nil && leader == "" {
				err = fmt.Errorf("%s says %q", n.Name, said)
			}
			answers <- answer{leader, err}
		}()
	}
	votes := map[string]int{}
	var errs []error
	for range nodes {
		got := <-answers
		if got.leader == "" {
			errs = append(errs, got.err)
			continue
		}
		votes[got.leader]++
	}
	best := ""
	for _, n := range nodes {
		if votes[n.Name] > votes[best] {
			best = n.Name
		}
	}
	if best == "" {
		return "", errors.Join(append([]error{errors.New("no node leads")}, errs...)...)
	}
	return best, nil
}

// named is the node that a text means: its name, its address, or a URL or
// host and port with one of them. Empty if it means none.
func named(text string, nodes []client.Node) string {
	text = strings.TrimPrefix(strings.TrimPrefix(text, "http://"), "https://")
	text, _, _ = strings.Cut(text, "/")
	if host, _, err := net.SplitHostPort(text); err == nil {
		text = host
	}
	i := slices.IndexFunc(nodes, func(n client.Node) bool { return n.Name == text || n.IP == text && text != "" })
	if i < 0 {
		return ""
	}
	return nodes[i].Name
}
