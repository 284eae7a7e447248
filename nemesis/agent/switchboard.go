package agent

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
)

// A Post is one of several agents, and the nodes beside it.
type Post struct {
	// Name is what replies are told apart by.
	Name  string
	Nodes []string
	Ask   func(context.Context, Request) (Reply, error)
}

// A Switchboard makes one agent of several, each of which has some of the nodes
// beside it. It may be used from several goroutines.
type Switchboard struct {
	posts []*Post

	mu      sync.Mutex
	holders map[string][]*Post // by fault: who was asked for it
}

// NewSwitchboard returns one for the agents.
func NewSwitchboard(posts []*Post) *Switchboard {
	return &Switchboard{posts: posts, holders: map[string][]*Post{}}
}

// Ask sends a request to the agents that it concerns: that of the node that
// it names; those of the nodes that receive, for pairs of nodes, each with its
// own pairs; or, for what a fault did, those that were asked for it. What
// concerns none in particular goes to all. The replies become one. A rule for
// several agents comes into force at each of them by one change, but not at all
// of them at the same instant; at one whose nodes are all down, when they run,
// as it does for some of the nodes of one agent.
func (s *Switchboard) Ask(ctx context.Context, r Request) (Reply, error) {
	if p := s.post(r.Node); p != nil {
		s.note(r.ID, []*Post{p})
		return p.Ask(ctx, r)
	}
	if r.Do == RoundTrip && len(r.Pairs) > 0 {
		if p := s.post(r.Pairs[0][0]); p != nil {
			return p.Ask(ctx, r)
		}
	}
	concerned, requests := s.route(r)
	replies := make([]Reply, len(concerned))
	errs := make([]error, len(concerned))
	var all sync.WaitGroup
	for i, p := range concerned {
		all.Go(func() { replies[i], errs[i] = p.Ask(ctx, requests[i]) })
	}
	all.Wait()
	return merge(concerned, replies), errors.Join(thatCount(replies, errs)...)
}

// thatCount are the errors that count: where some have done what was asked, it is
// none that others will when one of their nodes runs.
func thatCount(replies []Reply, errs []error) []error {
	if !slices.Contains(errs, nil) {
		return errs
	}
	var out []error
	for i, err := range errs {
		if !replies[i].Pending {
			out = append(out, err)
		}
	}
	return out
}

// post is where the node is; nil for no node.
func (s *Switchboard) post(node string) *Post {
	i := slices.IndexFunc(s.posts, func(p *Post) bool { return slices.Contains(p.Nodes, node) })
	if i < 0 {
		return nil
	}
	return s.posts[i]
}

// route says whom a request concerns, and what each is asked.
func (s *Switchboard) route(r Request) (concerned []*Post, requests []Request) {
	if len(r.Pairs) == 0 && r.Names == nil {
		concerned = s.holdersOf(r.ID)
		return concerned, slices.Repeat([]Request{r}, len(concerned))
	}
	for _, p := range s.posts {
		if own, any := s.part(r, p); any {
			concerned, requests = append(concerned, p), append(requests, own)
		}
	}
	s.note(r.ID, concerned)
	return concerned, requests
}

// part is what of a request concerns the nodes beside one agent, if anything.
func (s *Switchboard) part(r Request, p *Post) (own Request, any bool) {
	own = r
	if r.Names != nil {
		names := *r.Names
		names.Nodes = slices.DeleteFunc(slices.Clone(names.Nodes), func(n string) bool { return !slices.Contains(p.Nodes, n) })
		own.Names = &names
		return own, len(names.Nodes) > 0
	}
	own.Pairs = slices.DeleteFunc(slices.Clone(r.Pairs), func(pair [2]string) bool { return !slices.Contains(p.Nodes, s.acts(pair)) })
	return own, len(own.Pairs) > 0
}

// acts is the node of a pair beside which it is acted: the one that receives,
// or the one that sends to somebody who is no node.
func (s *Switchboard) acts(pair [2]string) string {
	if s.post(pair[1]) == nil {
		return pair[0]
	}
	return pair[1]
}

// note keeps in mind where something was done for a fault.
func (s *Switchboard) note(id string, posts []*Post) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range posts {
		if id != "" && !slices.Contains(s.holders[id], p) {
			s.holders[id] = append(s.holders[id], p)
		}
	}
}

// holdersOf are the agents that were asked for a fault; all if it is none, or
// one of which nothing is known.
func (s *Switchboard) holdersOf(id string) []*Post {
	s.mu.Lock()
	defer s.mu.Unlock()
	if held := s.holders[id]; len(held) > 0 {
		return slices.Clone(held)
	}
	return slices.Clone(s.posts)
}

// merge makes one reply of several: figures add up, evidence stands side by
// side, that of agents which say the same once; the slowest counts.
func merge(from []*Post, replies []Reply) Reply {
	var out Reply
	var said []string
	by := map[string]string{} // the names of those that said it
	for i, r := range replies {
		out.Number += r.Number
		out.Took = max(out.Took, r.Took)
		out.Pending = out.Pending || r.Pending
		out.Abilities = append(out.Abilities, r.Abilities...)
		if r.Evidence == "" {
			continue
		}
		if by[r.Evidence] == "" {
			said = append(said, r.Evidence)
		}
		by[r.Evidence] = strings.TrimSpace(by[r.Evidence] + " " + from[i].Name)
	}
	for i, text := range said {
		said[i] = by[text] + ": " + text
	}
	out.Evidence = strings.Join(said, "; ")
	return out
}
