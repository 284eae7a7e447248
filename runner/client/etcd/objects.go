package etcd

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/shakedown-dev/shakedown/history"
	"github.com/shakedown-dev/shakedown/runner/client"
)

// add puts an element into a set: a key of its own below that of the set.
func (s *store) add(ctx context.Context, op history.Op) (json.RawMessage, error) {
	_, err := s.put(ctx, op.Key+"/"+string(op.Value), string(op.Value))
	return nil, err
}

// elements reads a set whole.
func (s *store) elements(ctx context.Context, op history.Op) (json.RawMessage, error) {
	entries, err := s.list(ctx, op.Key+"/")
	if err != nil {
		return nil, err
	}
	return valuesOf(entries)
}

// valuesOf is the array of what is stored.
func valuesOf(entries []entry) (json.RawMessage, error) {
	out := make([]json.RawMessage, 0, len(entries))
	for _, e := range entries {
		out = append(out, value(e.value))
	}
	return encode(out)
}

// enqueue puts a message into a queue: a key of its own, whose revision says
// where it stands.
func (s *store) enqueue(ctx context.Context, op history.Op) (json.RawMessage, error) {
	return s.add(ctx, op)
}

// dequeue takes the message that came first, null if there is none.
func (s *store) dequeue(ctx context.Context, op history.Op) (answer json.RawMessage, err error) {
	first := []clientv3.OpOption{clientv3.WithSort(clientv3.SortByCreateRevision, clientv3.SortAscend), clientv3.WithLimit(1)}
	err = again(func() error {
		entries, err := s.list(ctx, op.Key+"/", first...)
		if err != nil {
			return err
		}
		if len(entries) == 0 {
			answer = json.RawMessage("null")
			return nil
		}
		answer = value(entries[0].value)
		_, err = s.commit(ctx, []clientv3.Cmp{entries[0].unchanged()}, clientv3.OpDelete(entries[0].key))
		return err
	})
	return answer, err
}

// drain takes everything out of a queue, in one request.
func (s *store) drain(ctx context.Context, op history.Op) (json.RawMessage, error) {
	ctx, sent := watchSent(ctx)
	gone, err := s.conn.Delete(ctx, op.Key+"/", clientv3.WithPrefix(), clientv3.WithPrevKV())
	if err != nil {
		return nil, effect(sent.Load(), err)
	}
	var entries []entry
	for _, kv := range gone.PrevKvs {
		entries = append(entries, entry{string(kv.Key), kv.Value, kv.ModRevision, kv.CreateRevision})
	}
	slices.SortFunc(entries, func(a, b entry) int { return cmp.Compare(a.created, b.created) })
	return valuesOf(entries)
}

// increment adds to a counter.
func (s *store) increment(ctx context.Context, op history.Op) (json.RawMessage, error) {
	by, err := strconv.ParseInt(string(op.Value), 10, 64)
	if err != nil {
		return nil, client.Refused("%s is nothing that could be added: %w", op.Value, err)
	}
	return nil, again(func() error {
		entries, err := s.get(ctx, op.Key)
		if err != nil {
			return err
		}
		now, err := entries[op.Key].number()
		if err != nil {
			return err
		}
		_, err = s.commit(ctx, []clientv3.Cmp{entries[op.Key].unchanged()}, clientv3.OpPut(op.Key, strconv.FormatInt(now+by, 10)))
		return err
	})
}

// count reads a counter.
func (s *store) count(ctx context.Context, op history.Op) (json.RawMessage, error) {
	entries, err := s.get(ctx, op.Key)
	if err != nil {
		return nil, err
	}
	n, err := entries[op.Key].number()
	if err != nil {
		return nil, err
	}
	return encode(n)
}

// generate makes an identifier: the revision of a write, of which there is only
// one.
func (s *store) generate(ctx context.Context, _ history.Op) (json.RawMessage, error) {
	revision, err := s.put(ctx, "ids", "")
	if err != nil {
		return nil, err
	}
	return encode(revision)
}

// subkeys is how many subkeys a row has.
const subkeys = 5

func subkey(key string, n int) string { return fmt.Sprintf("%s_%d", key, n) }

// writeRow writes the subkeys of a row one after the other.
func (s *store) writeRow(ctx context.Context, op history.Op) (json.RawMessage, error) {
	for n := range subkeys {
		if _, err := s.put(ctx, subkey(op.Key, n), "1"); err != nil {
			if n > 0 { // the others are there
				return nil, fmt.Errorf("%d of %d subkeys written: %s", n, subkeys, err.Error())
			}
			return nil, err
		}
	}
	return nil, nil
}

// readRow reads them in the opposite order, each in a request of its own.
func (s *store) readRow(ctx context.Context, op history.Op) (json.RawMessage, error) {
	found := make([]*string, 0, subkeys)
	for n := subkeys - 1; n >= 0; n-- {
		name := subkey(op.Key, n)
		entries, err := s.get(ctx, name)
		if err != nil {
			return nil, err
		}
		if entries[name].mod == 0 {
			found = append(found, nil)
			continue
		}
		found = append(found, &name)
	}
	return encode(found)
}

// A row is what the workload monotonic inserts.
type row struct {
	Value     int64  `json:"val"`
	Timestamp string `json:"sts"`
}

// insertRow inserts the largest value there is and one more. Its timestamp is
// the revision of that.
func (s *store) insertRow(ctx context.Context, op history.Op) (answer json.RawMessage, err error) {
	top := op.Key + ".top"
	err = again(func() error {
		entries, err := s.get(ctx, top)
		if err != nil {
			return err
		}
		n, err := entries[top].number()
		if err != nil {
			return err
		}
		next := strconv.FormatInt(n+1, 10)
		done, err := s.commit(ctx, []clientv3.Cmp{entries[top].unchanged()},
			clientv3.OpPut(top, next), clientv3.OpPut(fmt.Sprintf("%s/%09d", op.Key, n+1), next))
		if err != nil {
			return err
		}
		answer, err = encode(row{n + 1, strconv.FormatInt(done.Header.Revision, 10)})
		return err
	})
	return answer, err
}

// rows reads all rows.
func (s *store) rows(ctx context.Context, op history.Op) (json.RawMessage, error) {
	entries, err := s.list(ctx, op.Key+"/")
	if err != nil {
		return nil, err
	}
	out := make([]row, 0, len(entries))
	for _, e := range entries {
		n, err := e.number()
		if err != nil {
			return nil, err
		}
		out = append(out, row{n, strconv.FormatInt(e.mod, 10)})
	}
	return encode(out)
}

// send appends a message to a log, and answers where.
func (s *store) send(ctx context.Context, op history.Op) (answer json.RawMessage, err error) {
	end := op.Key + ".end"
	err = again(func() error {
		entries, err := s.get(ctx, end)
		if err != nil {
			return err
		}
		n, err := entries[end].number()
		if err != nil {
			return err
		}
		if _, err = s.commit(ctx, []clientv3.Cmp{entries[end].unchanged()},
			clientv3.OpPut(end, strconv.FormatInt(n+1, 10)), clientv3.OpPut(fmt.Sprintf("%s/%09d", op.Key, n), string(op.Value))); err != nil {
			return err
		}
		answer, err = encode([]any{n, op.Value})
		return err
	})
	return answer, err
}

// poll reads a log on from where the client's last poll of it ended.
func (s *store) poll() client.Task {
	position := map[string]int64{}
	return func(ctx context.Context, op history.Op) (json.RawMessage, error) {
		entries, err := s.list(ctx, op.Key+"/")
		if err != nil {
			return nil, err
		}
		messages := make([][2]json.RawMessage, 0, len(entries))
		for _, e := range entries {
			offset, err := strconv.ParseInt(strings.TrimPrefix(e.key, op.Key+"/"), 10, 64)
			if err != nil {
				return nil, client.Refused("%s is no place in a log: %w", e.key, err)
			}
			if offset < position[op.Key] {
				continue
			}
			messages = append(messages, [2]json.RawMessage{strconv.AppendInt(nil, offset, 10), value(e.value)})
			position[op.Key] = offset + 1
		}
		return encode(messages)
	}
}
