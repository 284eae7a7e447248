package etcd

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/shakedown-dev/shakedown/history"
	"github.com/shakedown-dev/shakedown/runner/client"
)

// A register is a client that takes each key for a register: its value is the
// JSON text that etcd stores under the key, and null where there is none.
type register struct {
	conn         *clientv3.Client
	serializable bool
}

// errNotInvoked marks an operation that makes no sense, and was not tried.
var errNotInvoked = errors.New("not invoked")

// Invoke carries out a read, write or cas, as [client.Client] says.
func (r *register) Invoke(ctx context.Context, op history.Op) history.Op {
	ctx, sent := watchSent(ctx)
	var err error
	switch op.F {
	case "read":
		op.Value, err = r.read(ctx, op.Key)
	case "write":
		err = r.write(ctx, op.Key, op.Value)
	case "cas":
		err = r.cas(ctx, op.Key, op.Value)
	default:
		err = fmt.Errorf("%w: etcd has no operation %q", errNotInvoked, op.F)
	}
	var none *client.NoEffect
	if err != nil && !errors.As(err, &none) {
		op.Type, op.Error = failed(op.F, sent.Load(), err)
		return op
	}
	return client.Ended(op, nil, err)
}

// Close gives up the connection. What is under way on it ends at once.
func (r *register) Close() error {
	if err := r.conn.Close(); err != nil && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("close etcd client: %w", err)
	}
	return nil
}

// read returns the value of the register, null if there is none.
func (r *register) read(ctx context.Context, key string) (json.RawMessage, error) {
	var options []clientv3.OpOption
	if r.serializable {
		options = append(options, clientv3.WithSerializable())
	}
	got, err := r.conn.Get(ctx, key, options...)
	if err != nil {
		return nil, err
	}
	if len(got.Kvs) == 0 {
		return json.RawMessage("null"), nil
	}
	return value(got.Kvs[0].Value), nil
}

func (r *register) write(ctx context.Context, key string, v json.RawMessage) error {
	text, err := text(v)
	if err != nil {
		return err
	}
	if text == "null" {
		return fmt.Errorf("%w: null is no value to write", errNotInvoked)
	}
	_, err = r.conn.Put(ctx, key, text)
	return err
}

// cas sets the register to the second of pair if it has the first, in one
// transaction. Its error says what it has if that is another value.
func (r *register) cas(ctx context.Context, key string, pair json.RawMessage) error {
	old, next, err := split(pair)
	if err != nil {
		return err
	}
	same := clientv3.Compare(clientv3.Value(key), "=", old)
	if old == "null" {
		same = clientv3.Compare(clientv3.CreateRevision(key), "=", 0)
	}
	done, err := r.conn.Txn(ctx).If(same).Then(clientv3.OpPut(key, next)).Else(clientv3.OpGet(key)).Commit()
	if err != nil {
		return err
	}
	if !done.Succeeded {
		return client.Differed(json.RawMessage(old), json.RawMessage(next), json.RawMessage(actual(done)))
	}
	return nil
}

// actual returns the value that the Else of a cas found.
func actual(t *clientv3.TxnResponse) string {
	for _, r := range t.Responses {
		if got := r.GetResponseRange(); got != nil && len(got.Kvs) > 0 {
			return string(got.Kvs[0].Value)
		}
	}
	return "null"
}

// split takes the two texts out of the value of a cas.
func split(pair json.RawMessage) (old, next string, err error) {
	var vs []json.RawMessage
	if err := json.Unmarshal(pair, &vs); err != nil || len(vs) != 2 {
		return "", "", fmt.Errorf("%w: a cas needs [old, new], and has %s", errNotInvoked, pair)
	}
	if old, err = text(vs[0]); err != nil {
		return "", "", err
	}
	if next, err = text(vs[1]); err != nil {
		return "", "", err
	}
	if next == "null" {
		return "", "", fmt.Errorf("%w: null is no value to set", errNotInvoked)
	}
	return old, next, nil
}

// text returns v as it is stored, without the white space that would make
// equal values different. No value at all is null.
func text(v json.RawMessage) (string, error) {
	if len(v) == 0 {
		return "null", nil
	}
	var b bytes.Buffer
	if err := json.Compact(&b, v); err != nil {
		return "", fmt.Errorf("%w: value %q: %w", errNotInvoked, v, err)
	}
	return b.String(), nil
}

// value returns what is stored as JSON: as it is, or, where somebody else
// stored what is not JSON, as a string.
func value(stored []byte) json.RawMessage {
	if json.Valid(stored) {
		return json.RawMessage(stored)
	}
	quoted, err := json.Marshal(string(stored))
	if err != nil { // cannot happen: every string can be marshaled
		return json.RawMessage("null")
	}
	return quoted
}
