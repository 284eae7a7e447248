package nemesis

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// A Membership is a [Cluster] whose members can leave and join.
type Membership interface {
	Renewer
	// Members are the names of the nodes that are members, asked of the
	// system through any node but those left out.
	Members(ctx context.Context, without []string) ([]string, error)
	// RemoveMember and AddMember ask the system to, through another node.
	RemoveMember(ctx context.Context, node string) error
	AddMember(ctx context.Context, node string) error
	// JoinMember is for a node that was added and has started.
	JoinMember(ctx context.Context, node string) error
}

// FaultMembership is the name of changes of membership in scenarios and plans.
const FaultMembership = "membership"

func membershipKind() kind {
	return kind{
		name:  FaultMembership,
		class: always(ClassSystem),
		slow:  true,
		make:  func(in Injection, x Exec) fault { return &member{in: in, x: x} },
		says: func(in Injection, _ []string) string {
			return "removed from the cluster, and added again with empty data after " + in.For.String()
		},
	}
}

// A member leaves the cluster by the system's own means, and comes back with
// empty data.
type member struct {
	in Injection
	x  Exec
}

func (m *member) cluster() (Membership, error) {
	c, ok := m.x.Cluster.(Membership)
	if !ok {
		return nil, errors.New("this kind of cluster has no members that come and go")
	}
	return c, nil
}

// inject removes the nodes one by one, unless too few members would be left:
// a quorum of all nodes must stay.
func (m *member) inject(ctx context.Context) error {
	c, err := m.cluster()
	if err != nil {
		return err
	}
	now, err := c.Members(ctx, nil)
	if err != nil {
		return fmt.Errorf("ask who is a member: %w", err)
	}
	all := m.x.Cluster.Nodes()
	if left := len(without(now, m.in.Nodes)); left < len(all)/2+1 {
		return fmt.Errorf("of the members %s only %d would be left, fewer than a quorum of %d nodes", strings.Join(now, " "), left, len(all))
	}
	for _, node := range m.in.Nodes {
		if !slices.Contains(now, node) {
			return fmt.Errorf("%s is no member: those are %s", node, strings.Join(now, " "))
		}
		if err := persist(ctx, func() error { return c.RemoveMember(ctx, node) }); err != nil {
			return fmt.Errorf("remove %s: %w", node, err)
		}
		if err := c.Stop(ctx, node); err != nil {
			return err
		}
	}
	return nil
}

// verify waits until the others say that the nodes are members no more.
func (m *member) verify(ctx context.Context) (string, error) {
	return m.await(ctx, "still a member", func(members []string) bool {
		return !slices.ContainsFunc(m.in.Nodes, func(n string) bool { return slices.Contains(members, n) })
	})
}

// await asks who is a member until that is as it should be.
func (m *member) await(ctx context.Context, wrong string, ok func(members []string) bool) (string, error) {
	c, err := m.cluster()
	if err != nil {
		return "", err
	}
	for {
		members, err := c.Members(ctx, m.in.Nodes)
		if err == nil && ok(members) {
			return "members are " + strings.Join(members, " "), nil
		}
		if !pauseFor(ctx, probeEvery) {
			if err == nil {
				err = fmt.Errorf("members are %s", strings.Join(members, " "))
			}
			return "", fmt.Errorf("%s is %s: %w", strings.Join(m.in.Nodes, " "), wrong, err)
		}
	}
}

func (m *member) hold(ctx context.Context, _ func(says, evidence string)) error {
	<-ctx.Done()
	return nil
}

// heal adds the nodes that are no members, one by one, since each must know
// the members that there are when it joins.
func (m *member) heal(ctx context.Context) (string, error) {
	c, err := m.cluster()
	if err != nil {
		return "", err
	}
	for _, node := range m.in.Nodes {
		if err := m.addAgain(ctx, c, node); err != nil {
			return "", fmt.Errorf("add %s again: %w", node, err)
		}
	}
	return m.await(ctx, "no member", func(members []string) bool {
		return len(without(m.in.Nodes, members)) == 0
	})
}

// memberEvery is the pause between two requests to change who is a member.
const memberEvery = 500 * time.Millisecond

// persist asks until it is done or ctx is: systems refuse to change their
// members while one of them has only just come.
func persist(ctx context.Context, ask func() error) error {
	for {
		err := ask()
		if err == nil || !pauseFor(ctx, memberEvery) {
			return err
		}
	}
}

func (m *member) addAgain(ctx context.Context, c Membership, node string) error {
	now, err := c.Members(ctx, []string{node})
	if err != nil {
		return fmt.Errorf("ask who is a member: %w", err)
	}
	if slices.Contains(now, node) { // it was never removed
		return m.x.Cluster.Restart(ctx, node)
	}
	if err := persist(ctx, func() error { return c.AddMember(ctx, node) }); err != nil {
		return err
	}
	members := inOrder(append(now, node), m.x.Cluster.Nodes())
	if err := c.Renew(ctx, node, Renewal{Fresh: true, Joins: true, Members: members}); err != nil {
		return err
	}
	if err := persist(ctx, func() error { return c.JoinMember(ctx, node) }); err != nil {
		return err
	}
	return c.Healthy(ctx, node)
}
