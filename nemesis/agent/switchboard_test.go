package agent

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// An exchange is a switchboard of which every agent notes what it is asked.
type exchange struct {
	*Switchboard
	mu    sync.Mutex
	heard []string
}

func newExchange(answer func(post string, r Request) (Reply, error)) *exchange {
	e := &exchange{}
	var posts []*Post
	for name, nodes := range map[string][]string{"east": {"n1", "n2"}, "west": {"n3"}} {
		posts = append(posts, &Post{Name: name, Nodes: nodes, Ask: func(_ context.Context, r Request) (Reply, error) {
			e.mu.Lock()
			e.heard = append(e.heard, fmt.Sprintf("%s %s %v", name, r.Do, r.Pairs))
			e.mu.Unlock()
			return answer(name, r)
		}})
	}
	slices.SortFunc(posts, func(a, b *Post) int { return strings.Compare(a.Name, b.Name) })
	e.Switchboard = NewSwitchboard(posts)
	return e
}

// ask sends a request and returns who was asked what.
func (e *exchange) ask(r Request) []string {
	e.heard = nil
	_, _ = e.Ask(context.Background(), r)
	slices.Sort(e.heard)
	return e.heard
}

// Without this a rule would be made where it has no effect, or taken back where
// it was not made.
func TestSwitchboardAsksWhomItConcerns(t *testing.T) {
	e := newExchange(func(string, Request) (Reply, error) { return Reply{}, nil })
	for _, test := range []struct {
		name string
		r    Request
		want []string
	}{
		{"a node", Request{Do: Kill, Node: "n3"}, []string{"west kill []"}},
		{"pairs, where they arrive", Request{Do: Cut, ID: "c", Pairs: [][2]string{{"n1", "n3"}, {"n3", "n2"}}},
			[]string{"east cut [[n3 n2]]", "west cut [[n1 n3]]"}},
		{"pairs of one", Request{Do: Cut, ID: "d", Pairs: [][2]string{{"n3", "n1"}}}, []string{"east cut [[n3 n1]]"}},
		{"what is sent to clients, where it is sent", Request{Do: Cut, ID: "e", Pairs: [][2]string{{"n3", "clients"}}}, []string{"west cut [[n3 clients]]"}},
		{"what was done by one", Request{Do: Mend, ID: "d"}, []string{"east mend []"}},
		{"what was done by both", Request{Do: Mend, ID: "c"}, []string{"east mend []", "west mend []"}},
		{"questions, where they are asked", Request{Do: MissayNames, ID: "n", Names: &Names{Nodes: []string{"n3"}}}, []string{"west missay-names []"}},
		{"and who had been asked for them", Request{Do: MendNames, ID: "n"}, []string{"west mend-names []"}},
		{"what nobody knows of", Request{Do: Mend, ID: "x"}, []string{"east mend []", "west mend []"}},
		{"everybody", Request{Do: Heal}, []string{"east heal []", "west heal []"}},
		{"a way, where it begins", Request{Do: RoundTrip, Pairs: [][2]string{{"n1", "n3"}}}, []string{"east round-trip [[n1 n3]]"}},
	} {
		if got := e.ask(test.r); !slices.Equal(got, test.want) {
			t.Errorf("%s: asked %q, want %q", test.name, got, test.want)
		}
	}
}

// As beside one agent, a fault is made though some of the nodes concerned are
// down: it is no matter whether they are all of one agent's. It is an error if
// that is so of all agents, or if something else goes wrong.
func TestSwitchboardDoesWithoutNodesThatAreDown(t *testing.T) {
	down, broken := errors.New("none of the nodes runs"), errors.New("no rules here")
	for _, test := range []struct {
		name       string
		east, west error
		fails      bool
	}{
		{"those of one agent are down", nil, down, false},
		{"all are down", down, down, true},
		{"one agent cannot", nil, broken, true},
		{"one cannot, and those of the other are down", broken, down, true},
	} {
		e := newExchange(func(post string, _ Request) (Reply, error) {
			err := map[string]error{"east": test.east, "west": test.west}[post]
			return Reply{Pending: errors.Is(err, down)}, err
		})
		_, err := e.Ask(context.Background(), Request{Do: Slow, ID: "s", Pairs: [][2]string{{"n1", "n3"}, {"n3", "n1"}}})
		if (err != nil) != test.fails {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

func TestSwitchboardMakesOneReply(t *testing.T) {
	e := newExchange(func(post string, _ Request) (Reply, error) {
		return Reply{Number: 2, Took: map[string]time.Duration{"east": 1, "west": 3}[post], Evidence: "seen"}, nil
	})
	got, err := e.Ask(context.Background(), Request{Do: Heal})
	if err != nil || got.Number != 4 || got.Took != 3 || got.Evidence != "east west: seen" {
		t.Errorf("%+v, %v", got, err)
	}
	broken := errors.New("gone")
	e = newExchange(func(post string, _ Request) (Reply, error) {
		if post == "west" {
			return Reply{}, broken
		}
		return Reply{Evidence: "done"}, nil
	})
	if got, err := e.Ask(context.Background(), Request{Do: Heal}); !errors.Is(err, broken) || got.Evidence != "east: done" {
		t.Errorf("%+v, %v", got, err)
	}
}
