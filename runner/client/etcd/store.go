package etcd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/shakedown-dev/shakedown/history"
	"github.com/shakedown-dev/shakedown/runner/client"
)

// A store is a client for everything that is more than a register. What it does
// for an operation is either one request, or reads and then one request that
// changes something if nothing has changed since: whatever fails before that
// request is sent has had no effect.
type store struct {
	conn         *clientv3.Client
	serializable bool
	tasks        client.Tasks
	// endRenewal ends the renewal of the lease that the client holds.
	endRenewal func()
}

// attempts is how often an operation is tried whose keys were changed by others
// in between. Each of these attempts is known to have had no effect.
const attempts = 20

// errChanged says that a commit did not happen, because a key had changed.
var errChanged = errors.New("the keys were changed by others each time")

// Invoke carries out op, as [client.Client] says.
func (s *store) Invoke(ctx context.Context, op history.Op) history.Op {
	return s.tasks.Invoke(ctx, op)
}

// Close gives up the connection, and what it kept alive.
func (s *store) Close() error {
	s.endRenewal()
	return (&register{conn: s.conn}).Close()
}

// again tries until an attempt is not in vain.
func again(attempt func() error) error {
	for range attempts {
		if err := attempt(); !errors.Is(err, errChanged) {
			return err
		}
	}
	return client.Harmless(errChanged)
}

// An entry is what is stored under a key; mod is 0 if nothing is.
type entry struct {
	key          string
	value        []byte
	mod, created int64
}

// get reads keys at one moment, all in one request.
func (s *store) get(ctx context.Context, keys ...string) (map[string]entry, error) {
	var gets []clientv3.Op
	out := map[string]entry{}
	for _, key := range keys {
		gets = append(gets, clientv3.OpGet(key, s.reading()...))
		out[key] = entry{key: key}
	}
	got, err := s.conn.Txn(ctx).Then(gets...).Commit()
	if err != nil {
		return nil, client.Harmless(err)
	}
	for _, r := range got.Responses {
		for _, kv := range r.GetResponseRange().Kvs {
			out[string(kv.Key)] = entry{string(kv.Key), kv.Value, kv.ModRevision, kv.CreateRevision}
		}
	}
	return out, nil
}

func (s *store) reading() []clientv3.OpOption {
	if s.serializable {
		return []clientv3.OpOption{clientv3.WithSerializable()}
	}
	return nil
}

// list reads all keys that begin with prefix, in order of the names.
func (s *store) list(ctx context.Context, prefix string, more ...clientv3.OpOption) ([]entry, error) {
	options := append(append(s.reading(), clientv3.WithPrefix()), more...)
	got, err := s.conn.Get(ctx, prefix, options...)
	if err != nil {
		return nil, client.Harmless(err)
	}
	var out []entry
	for _, kv := range got.Kvs {
		out = append(out, entry{string(kv.Key), kv.Value, kv.ModRevision, kv.CreateRevision})
	}
	return out, nil
}

// unchanged is the condition that an entry is as it was read.
func (e entry) unchanged() clientv3.Cmp {
	return clientv3.Compare(clientv3.ModRevision(e.key), "=", e.mod)
}

// commit makes changes if all conditions hold, and returns errChanged if one
// does not.
func (s *store) commit(ctx context.Context, conditions []clientv3.Cmp, changes ...clientv3.Op) (*clientv3.TxnResponse, error) {
	ctx, sent := watchSent(ctx)
	done, err := s.conn.Txn(ctx).If(conditions...).Then(changes...).Commit()
	if err != nil {
		return nil, effect(sent.Load(), err)
	}
	if !done.Succeeded {
		return nil, errChanged
	}
	return done, nil
}

// put changes one key without a condition, and returns the revision of that.
func (s *store) put(ctx context.Context, key, value string) (int64, error) {
	ctx, sent := watchSent(ctx)
	done, err := s.conn.Put(ctx, key, value)
	if err != nil {
		return 0, effect(sent.Load(), err)
	}
	return done.Header.Revision, nil
}

// effect turns the error of a request that changes something into what is known
// about the operation.
func effect(sent bool, err error) error {
	end, says := failed("write", sent, err)
	if end == history.Fail {
		return client.Harmless(errors.New(says))
	}
	return err
}

// number reads a stored number; nothing at all is 0.
func (e entry) number() (int64, error) {
	if e.mod == 0 {
		return 0, nil
	}
	var n int64
	if err := json.Unmarshal(e.value, &n); err != nil {
		return 0, client.Refused("%s holds %q, which is no number", e.key, e.value)
	}
	return n, nil
}

// encode writes an answer.
func encode(v any) (json.RawMessage, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("write the answer: %w", err)
	}
	return text, nil
}
