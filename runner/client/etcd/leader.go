package etcd

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/shakedown-dev/shakedown/runner/client"
)

// statusTimeout is how long the nodes have to say who leads. A node that
// works does so from memory; one that is paused would not in a minute.
const statusTimeout = time.Second

// A testimony is what a node says about itself and its leader.
type testimony struct {
	node   string
	err    error
	member uint64 // the node's own id
	leader uint64 // 0 if it knows none
	term   uint64
}

// Leader returns the node that leads in the highest raft term in which any of
// the given nodes has a leader: there is one leader in a term, and one of an
// earlier term has been deposed, whether it knows or not. A node that is a
// candidate in a still higher term says nothing about who leads.
//
// It returns as soon as more than half of the nodes agree, or when all have
// answered or had a second to do so. A leader that does not answer can be
// named if it has answered before.
func (s *System) Leader(ctx context.Context, nodes []client.Node) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, statusTimeout)
	answers := make(chan testimony, len(nodes)) // room for all: nobody waits for us
	for _, n := range nodes {
		go func() { answers <- ask(ctx, n) }()
	}
	var heard []testimony
	var name string
	var err error
	for range nodes {
		heard = append(heard, <-answers)
		var settled bool
		if name, settled, err = s.elect(heard, nodes); settled {
			break
		}
	}
	cancel()
	for range len(nodes) - len(heard) { // the goroutines end before Leader does
		<-answers
	}
	if name == "" && err == nil {
		err = errors.New("no nodes to ask for the leader")
	}
	return name, err
}

// ask lets n say who it is and who leads.
func ask(ctx context.Context, n client.Node) testimony {
	conn, err := open(n)
	if err != nil {
		return testimony{node: n.Name, err: err}
	}
	defer conn.Close() // a status leaves nothing behind
	// Maintenance.Status would dial the endpoint once more.
	remote := clientv3.RetryMaintenanceClient(conn, conn.ActiveConnection())
	got, err := clientv3.NewMaintenanceFromMaintenanceClient(remote, conn).Status(ctx, "")
	if err != nil {
		return testimony{node: n.Name, err: fmt.Errorf("node %s: %w", n.Name, err)}
	}
	return testimony{node: n.Name, member: got.Header.GetMemberId(), leader: got.Leader, term: got.RaftTerm}
}

// elect returns the leader by what was heard so far, and whether nothing that
// the others could say would change it.
func (s *System) elect(heard []testimony, nodes []client.Node) (name string, settled bool, err error) {
	leader, votes, err := count(heard)
	names := s.remember(heard)
	if err != nil {
		return "", false, err
	}
	name, ok := names[leader]
	if !ok || !has(nodes, name) {
		return "", false, fmt.Errorf("the leader, member %x, is none of the nodes that answered", leader)
	}
	return name, 2*votes > len(nodes), nil
}

// count returns the leader of the highest term, and how many nodes name it.
// The error says why nobody could.
func count(heard []testimony) (leader uint64, votes int, err error) {
	var term uint64
	var errs []error
	for _, h := range heard {
		switch {
		case h.err != nil:
			errs = append(errs, h.err)
		case h.leader == 0:
			errs = append(errs, fmt.Errorf("node %s knows no leader in term %d", h.node, h.term))
		case votes == 0 || h.term > term:
			leader, term, votes = h.leader, h.term, 1
		case h.term == term && h.leader == leader:
			votes++
		}
	}
	if votes == 0 {
		return 0, 0, fmt.Errorf("no leader found: %w", errors.Join(errs...))
	}
	return leader, votes, nil
}

// remember adds what was heard to the nodes' member ids, which a node keeps for
// as long as it has its data, and returns a copy of them all.
func (s *System) remember(heard []testimony) map[uint64]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range heard {
		if h.err == nil {
			s.members[h.member] = h.node
		}
	}
	return maps.Clone(s.members)
}

func has(nodes []client.Node, name string) bool {
	return slices.ContainsFunc(nodes, func(n client.Node) bool { return n.Name == name })
}
