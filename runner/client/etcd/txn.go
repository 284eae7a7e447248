package etcd

import (
	"context"
	"encoding/json"
	"strconv"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/shakedown-dev/shakedown/history"
	"github.com/shakedown-dev/shakedown/runner/client"
	"github.com/shakedown-dev/shakedown/runner/client/micro"
)

// txn carries out a transaction of micro-operations: it reads all keys at one
// moment, and writes if none of them has changed since. One that only reads is
// over with the first request.
func (s *store) txn(ctx context.Context, op history.Op) (answer json.RawMessage, err error) {
	err = again(func() error {
		answer, err = s.tryTxn(ctx, op.Value)
		return err
	})
	return answer, err
}

func (s *store) tryTxn(ctx context.Context, value json.RawMessage) (json.RawMessage, error) {
	ops, err := micro.Parse(value)
	if err != nil {
		return nil, client.Harmless(err)
	}
	entries, err := s.get(ctx, micro.Keys(ops)...)
	if err != nil {
		return nil, err
	}
	values := map[string]json.RawMessage{}
	var same []clientv3.Cmp
	for key, e := range entries {
		if e.mod > 0 {
			values[key] = e.value
		}
		same = append(same, e.unchanged())
	}
	written, err := micro.Apply(ops, values)
	if err != nil {
		return nil, client.Harmless(err)
	}
	answer, err := micro.Format(ops)
	if err != nil {
		return nil, client.Harmless(err)
	}
	if len(written) == 0 {
		return answer, nil
	}
	var puts []clientv3.Op
	for _, key := range written {
		puts = append(puts, clientv3.OpPut(key, string(values[key])))
	}
	_, err = s.commit(ctx, same, puts...)
	return answer, err
}

// account is the key of an account of the bank.
func account(n int) string { return "bank/" + strconv.Itoa(n) }

// openBank puts the money into the accounts that are not there yet.
func (s *store) openBank(ctx context.Context, accounts, balance int) error {
	for n := range accounts {
		key := account(n)
		absent := clientv3.Compare(clientv3.CreateRevision(key), "=", 0)
		if _, err := s.conn.Txn(ctx).If(absent).Then(clientv3.OpPut(key, strconv.Itoa(balance))).Commit(); err != nil {
			return err
		}
	}
	return nil
}

// transfer moves money from an account that has it.
func (s *store) transfer(ctx context.Context, op history.Op) (json.RawMessage, error) {
	t, err := client.ParseTransfer(op.Value)
	if err != nil {
		return nil, err
	}
	return nil, again(func() error {
		entries, err := s.get(ctx, account(t.From), account(t.To))
		if err != nil {
			return err
		}
		from, to := entries[account(t.From)], entries[account(t.To)]
		has, err := from.number()
		if err != nil {
			return err
		}
		if has < int64(t.Amount) {
			return client.Refused("account %d holds only %d", t.From, has)
		}
		gets, err := to.number()
		if err != nil {
			return err
		}
		_, err = s.commit(ctx, []clientv3.Cmp{from.unchanged(), to.unchanged()},
			clientv3.OpPut(from.key, strconv.FormatInt(has-int64(t.Amount), 10)),
			clientv3.OpPut(to.key, strconv.FormatInt(gets+int64(t.Amount), 10)))
		return err
	})
}

// balances reads all accounts.
func (s *store) balances(accounts int) client.Task {
	return func(ctx context.Context, _ history.Op) (json.RawMessage, error) {
		var keys []string
		for n := range accounts {
			keys = append(keys, account(n))
		}
		entries, err := s.get(ctx, keys...)
		if err != nil {
			return nil, err
		}
		out := map[string]json.RawMessage{}
		for n := range accounts {
			out[strconv.Itoa(n)] = entries[account(n)].value
		}
		return encode(out)
	}
}

// insert is one half of a pair of which at most one may succeed: it looks for
// either row and inserts its own if there is none.
func (s *store) insert(ctx context.Context, op history.Op) (json.RawMessage, error) {
	var pair [2]*int
	if err := json.Unmarshal(op.Value, &pair); err != nil {
		return nil, client.Refused("read the insert %s: %w", op.Value, err)
	}
	left, right := op.Key+"/left", op.Key+"/right"
	entries, err := s.get(ctx, left, right)
	if err != nil {
		return nil, err
	}
	if entries[left].mod > 0 || entries[right].mod > 0 {
		return nil, client.Refused("there is one already")
	}
	mine := left
	if pair[0] == nil {
		mine = right
	}
	_, err = s.commit(ctx, []clientv3.Cmp{entries[left].unchanged(), entries[right].unchanged()}, clientv3.OpPut(mine, string(op.Value)))
	if err == errChanged {
		return nil, client.Refused("there is one by now")
	}
	return nil, err
}
