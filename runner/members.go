package runner

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/shakedown-dev/shakedown/nemesis"
	"github.com/shakedown-dev/shakedown/runner/client"
	"github.com/shakedown-dev/shakedown/scenarios"
)

var errNoMembers = errors.New("this kind of system cannot be asked to add and remove members")

// Members asks the system who is a member, as the scenario says or through its
// client.
func (h hurtable) Members(ctx context.Context, without []string) ([]string, error) {
	if h.members != nil {
		return h.membersAsSaid(ctx, without)
	}
	m, ok := h.system.(client.Membership)
	if !ok {
		return nil, errNoMembers
	}
	return m.Members(ctx, h.others(without...), h.nodes)
}

// RemoveMember asks for the node to be removed.
func (h hurtable) RemoveMember(ctx context.Context, node string) error {
	if h.members != nil {
		return h.asSaid(ctx, &h.members.Remove, node)
	}
	return h.changeMember(node, func(m client.Membership, n client.Node) error { return m.Remove(ctx, n, h.others(node)) })
}

// AddMember asks for the node to be added, before it starts.
func (h hurtable) AddMember(ctx context.Context, node string) error {
	if h.members != nil {
		return h.asSaid(ctx, h.members.Add, node)
	}
	return h.changeMember(node, func(m client.Membership, n client.Node) error { return m.Add(ctx, n, h.others(node)) })
}

// JoinMember asks for the node to join, after it has started.
func (h hurtable) JoinMember(ctx context.Context, node string) error {
	if h.members != nil {
		return h.asSaid(ctx, h.members.Join, node)
	}
	return nil
}

func (h hurtable) changeMember(node string, do func(client.Membership, client.Node) error) error {
	m, ok := h.system.(client.Membership)
	if !ok {
		return errNoMembers
	}
	n, err := h.node(node)
	if err != nil {
		return err
	}
	return do(m, n)
}

// asSaid carries out a step of the scenario's, through one node after another
// until it goes well; nil is nothing to do.
func (h hurtable) asSaid(ctx context.Context, s *scenarios.Step, node string) error {
	if s == nil {
		return nil
	}
	errs := []error{fmt.Errorf("%s: no other node could do it", step(*s))}
	for _, via := range h.others(node) {
		_, err := step(*s).Do(ctx, h, node, via.Name)
		if err == nil {
			return nil
		}
		errs = append(errs, fmt.Errorf("through %s: %w", via.Name, err))
	}
	return errors.Join(errs...)
}

// membersAsSaid asks the nodes, but for some, one after another; the first that
// answers tells of all others, and is a member itself.
func (h hurtable) membersAsSaid(ctx context.Context, without []string) ([]string, error) {
	var errs []error
	for _, via := range h.others(without...) {
		members, err := h.membersBy(ctx, via.Name)
		if err == nil {
			return members, nil
		}
		errs = append(errs, fmt.Errorf("through %s: %w", via.Name, err))
	}
	return nil, errors.Join(errs...)
}

func (h hurtable) membersBy(ctx context.Context, via string) ([]string, error) {
	ask := step(h.members.Member)
	says := ask.Says
	ask.Says = ""
	var members []string
	for _, n := range h.nodes {
		if n.Name == via {
			members = append(members, via)
			continue
		}
		out, err := ask.Do(ctx, h, n.Name, via)
		if err != nil {
			return nil, err
		}
		index := slices.IndexFunc(h.nodes, func(o client.Node) bool { return o.Name == n.Name }) + 1
		want := strings.NewReplacer("{name}", n.Name, "{ip}", n.IP, "{index}", fmt.Sprint(index), "{via}", via, "{via_ip}", h.Address(via)).Replace(says)
		if strings.Contains(out, want) {
			members = append(members, n.Name)
		}
	}
	return members, nil
}

var _ nemesis.Membership = hurtable{}
