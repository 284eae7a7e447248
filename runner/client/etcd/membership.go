package etcd

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"time"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/shakedown-dev/shakedown/runner/client"
)

// memberTimeout is how long one node has to answer about its members, before
// the next one is asked.
const memberTimeout = 3 * time.Second

// A System can tell versions, and change who is a member.
var (
	_ client.VersionTeller = (*System)(nil)
	_ client.Membership    = (*System)(nil)
)

// Version is the version that n says it runs.
func (s *System) Version(ctx context.Context, n client.Node) (string, error) {
	conn, err := open(n)
	if err != nil {
		return "", err
	}
	defer conn.Close() // a status leaves nothing behind
	remote := clientv3.RetryMaintenanceClient(conn, conn.ActiveConnection())
	got, err := clientv3.NewMaintenanceFromMaintenanceClient(remote, conn).Status(ctx, "")
	if err != nil {
		return "", fmt.Errorf("node %s: %w", n.Name, err)
	}
	return got.Version, nil
}

// Members are those of all by whose address a member is reached, whether it
// has started or not.
func (s *System) Members(ctx context.Context, via, all []client.Node) ([]string, error) {
	list, err := members(ctx, via)
	var names []string
	for _, n := range all {
		if _, ok := memberAt(list, n); ok {
			names = append(names, n.Name)
		}
	}
	return names, err
}

func members(ctx context.Context, via []client.Node) (list []*etcdserverpb.Member, err error) {
	err = through(ctx, via, func(ctx context.Context, conn *clientv3.Client) error {
		got, err := conn.MemberList(ctx)
		if err == nil {
			list = got.Members
		}
		return err
	})
	return list, err
}

// through tries one node after another until one does it.
func through(ctx context.Context, via []client.Node, do func(context.Context, *clientv3.Client) error) error {
	errs := []error{errors.New("no node does it")}
	for _, n := range via {
		conn, err := open(n)
		if err != nil {
			return err
		}
		asking, cancel := context.WithTimeout(ctx, memberTimeout)
		err = do(asking, conn)
		cancel()
		_ = conn.Close() // what was asked has been answered, or will not be
		if err == nil {
			return nil
		}
		errs = append(errs, fmt.Errorf("node %s: %w", n.Name, err))
	}
	return errors.Join(errs...)
}

// memberAt is the member whose peers reach it at the address of n.
func memberAt(list []*etcdserverpb.Member, n client.Node) (*etcdserverpb.Member, bool) {
	i := slices.IndexFunc(list, func(m *etcdserverpb.Member) bool {
		return slices.ContainsFunc(m.PeerURLs, func(u string) bool {
			at, err := url.Parse(u)
			return err == nil && at.Hostname() == n.IP
		})
	})
	if i < 0 {
		return nil, false
	}
	return list[i], true
}

// Remove asks a node of via to remove n. That it is no member already is no
// error: an answer may have been lost.
func (s *System) Remove(ctx context.Context, n client.Node, via []client.Node) error {
	list, err := members(ctx, via)
	if err != nil {
		return err
	}
	m, ok := memberAt(list, n)
	if !ok {
		return nil
	}
	return through(ctx, via, func(ctx context.Context, conn *clientv3.Client) error {
		_, err := conn.MemberRemove(ctx, m.ID)
		return err
	})
}

// Add asks a node of via to take n for a member, which is then to start with
// empty data.
func (s *System) Add(ctx context.Context, n client.Node, via []client.Node) error {
	port, ok := n.Ports["peer"]
	if !ok {
		return fmt.Errorf(`node %s: no port named "peer"`, n.Name)
	}
	at := "http://" + net.JoinHostPort(n.IP, strconv.Itoa(port))
	return through(ctx, via, func(ctx context.Context, conn *clientv3.Client) error {
		_, err := conn.MemberAdd(ctx, []string{at})
		return err
	})
}
