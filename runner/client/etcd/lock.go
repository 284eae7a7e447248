package etcd

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/shakedown-dev/shakedown/history"
	"github.com/shakedown-dev/shakedown/runner/client"
)

// acquire takes a lock: a key that is there only once, with a lease that ends if
// nobody renews it, which this client does until it releases the lock. Like many
// a program that holds such a lock, it believes in it until then, and does not
// look whether the renewals arrive. The answer is the fencing token, which is
// the revision at which the lock was taken.
func (s *store) acquire(lease time.Duration) client.Task {
	return func(ctx context.Context, op history.Op) (json.RawMessage, error) {
		granted, err := s.conn.Grant(ctx, int64(lease/time.Second))
		if err != nil {
			return nil, client.Harmless(err) // at worst a lease is left that nobody renews
		}
		absent := clientv3.Compare(clientv3.CreateRevision(op.Key), "=", 0)
		done, err := s.commit(ctx, []clientv3.Cmp{absent}, clientv3.OpPut(op.Key, string(op.Value), clientv3.WithLease(granted.ID)))
		if err == errChanged {
			return nil, client.Refused("somebody holds it")
		}
		if err != nil {
			return nil, err
		}
		s.renew(granted.ID, lease/3)
		return encode(done.Header.Revision)
	}
}

// renew keeps a lease alive until the client is closed, or another lock taken.
func (s *store) renew(id clientv3.LeaseID, every time.Duration) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			once, done := context.WithTimeout(ctx, every)
			_, _ = s.conn.KeepAliveOnce(once, id) // nobody looks; see acquire
			done()
		}
	}()
	s.endRenewal()
	s.endRenewal = func() { cancel(); <-ended }
}

// release gives a lock back. That it has passed to somebody else meanwhile is
// fine with who does not want it any more.
func (s *store) release(ctx context.Context, op history.Op) (json.RawMessage, error) {
	s.endRenewal()
	mine := clientv3.Compare(clientv3.Value(op.Key), "=", string(op.Value))
	_, err := s.commit(ctx, []clientv3.Cmp{mine}, clientv3.OpDelete(op.Key))
	if err == errChanged {
		return nil, nil
	}
	return nil, err
}

// write writes what the lock guards, under the token of its holder. If it is
// fenced, it takes no token that is smaller than the last.
func (s *store) write(fenced bool) client.Task {
	return func(ctx context.Context, op history.Op) (json.RawMessage, error) {
		key := op.Key + ".guarded"
		if !fenced {
			_, err := s.put(ctx, key, string(op.Value))
			return nil, err
		}
		token, err := strconv.ParseInt(string(op.Value), 10, 64)
		if err != nil {
			return nil, client.Refused("%s is no token: %w", op.Value, err)
		}
		return nil, again(func() error {
			entries, err := s.get(ctx, key)
			if err != nil {
				return err
			}
			last, err := entries[key].number()
			if err != nil {
				return err
			}
			if token < last {
				return client.Refused("fenced off: the token %d is later", last)
			}
			_, err = s.commit(ctx, []clientv3.Cmp{entries[key].unchanged()}, clientv3.OpPut(key, string(op.Value)))
			return err
		})
	}
}
