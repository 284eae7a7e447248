package redis

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	redis "github.com/redis/go-redis/v9"

	"github.com/shakedown-dev/shakedown/history"
	"github.com/shakedown-dev/shakedown/runner/client"
	"github.com/shakedown-dev/shakedown/runner/client/micro"
)

func (s *store) read(ctx context.Context, op history.Op) (json.RawMessage, error) {
	return jsonText(s.own.Get(ctx, op.Key).Result())
}

func (s *store) write(ctx context.Context, op history.Op) (json.RawMessage, error) {
	return nil, s.change(ctx, func(to *link) error { return to.Set(ctx, op.Key, string(op.Value), 0).Err() })
}

// casScript sets a key from one value to another, in one step. It returns what
// the key had.
const casScript = `
local found = redis.call('GET', KEYS[1]) or 'null'
if found == ARGV[1] then redis.call('SET', KEYS[1], ARGV[2]) end
return found`

func (s *store) cas(ctx context.Context, op history.Op) (json.RawMessage, error) {
	var pair [2]json.RawMessage
	if err := json.Unmarshal(op.Value, &pair); err != nil {
		return nil, client.Refused("a cas needs [old, new], and has %s", op.Value)
	}
	var found string
	err := s.change(ctx, func(to *link) (err error) {
		found, err = to.Eval(ctx, casScript, []string{op.Key}, string(pair[0]), string(pair[1])).Text()
		return err
	})
	if err == nil && found != string(pair[0]) {
		return nil, client.Differed(pair[0], pair[1], json.RawMessage(found))
	}
	return nil, err
}

// txn carries out micro-operations as one transaction, MULTI; one that only
// reads, on the client's own node.
func (s *store) txn(lists bool) client.Task {
	return func(ctx context.Context, op history.Op) (json.RawMessage, error) {
		ops, err := micro.Parse(op.Value)
		if err != nil {
			return nil, client.Harmless(err)
		}
		var answers []redis.Cmder
		do := func(to *link) (err error) {
			answers, err = to.TxPipelined(ctx, func(p redis.Pipeliner) error {
				for _, o := range ops {
					queue(ctx, p, o, lists)
				}
				return nil
			})
			return absent(err)
		}
		if slices.ContainsFunc(ops, func(o micro.Op) bool { return o.F != "r" }) {
			err = s.change(ctx, do)
		} else {
			err = client.Harmless(do(s.own))
		}
		if err != nil {
			return nil, err
		}
		return answered(ops, answers, lists)
	}
}

// queue adds a micro-operation to a transaction.
func queue(ctx context.Context, p redis.Pipeliner, o micro.Op, lists bool) {
	switch {
	case o.F == "append":
		p.RPush(ctx, o.Key, string(o.Value))
	case o.F == "w":
		p.Set(ctx, o.Key, string(o.Value), 0)
	case lists:
		p.LRange(ctx, o.Key, 0, -1)
	default:
		p.Get(ctx, o.Key)
	}
}

// answered fills in what the reads of a transaction found. It has happened, so
// an answer that makes no sense leaves it unknown.
func answered(ops []micro.Op, answers []redis.Cmder, lists bool) (json.RawMessage, error) {
	for i := range ops {
		if ops[i].F != "r" {
			continue
		}
		if !lists {
			text, err := answers[i].(*redis.StringCmd).Result()
			if ops[i].Value, err = jsonText(text, err); err != nil {
				return nil, fmt.Errorf("read %s: %s", ops[i].Key, err)
			}
			continue
		}
		elements, err := answers[i].(*redis.StringSliceCmd).Result()
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", ops[i].Key, err)
		}
		if len(elements) == 0 {
			ops[i].Value = nil
		} else if ops[i].Value, err = array(elements); err != nil {
			return nil, err
		}
	}
	return micro.Format(ops)
}

// transferScript moves money from an account that has it.
const transferScript = `
if tonumber(redis.call('HGET', KEYS[1], ARGV[1]) or '0') < tonumber(ARGV[3]) then return 0 end
redis.call('HINCRBY', KEYS[1], ARGV[1], -tonumber(ARGV[3]))
redis.call('HINCRBY', KEYS[1], ARGV[2], ARGV[3])
return 1`

func (s *store) transfer(ctx context.Context, op history.Op) (json.RawMessage, error) {
	t, err := client.ParseTransfer(op.Value)
	if err != nil {
		return nil, err
	}
	did, err := s.script(ctx, transferScript, []string{"bank"}, t.From, t.To, t.Amount)
	if err == nil && did == 0 {
		return nil, client.Refused("account %d does not hold %d", t.From, t.Amount)
	}
	return nil, err
}

func (s *store) balances(ctx context.Context, _ history.Op) (json.RawMessage, error) {
	held, err := s.own.HGetAll(ctx, "bank").Result()
	if err != nil {
		return nil, client.Harmless(err)
	}
	out := map[string]json.RawMessage{}
	for name, balance := range held {
		out[name] = json.RawMessage(balance)
	}
	return encode(out)
}

// insertScript inserts one of two rows if there is neither.
const insertScript = `
if redis.call('EXISTS', KEYS[1], KEYS[2]) > 0 then return 0 end
redis.call('SET', KEYS[1], ARGV[1])
return 1`

func (s *store) insert(ctx context.Context, op history.Op) (json.RawMessage, error) {
	var pair [2]*int
	if err := json.Unmarshal(op.Value, &pair); err != nil {
		return nil, client.Refused("read the insert %s: %w", op.Value, err)
	}
	mine, other := op.Key+".left", op.Key+".right"
	if pair[0] == nil {
		mine, other = other, mine
	}
	did, err := s.script(ctx, insertScript, []string{mine, other}, string(op.Value))
	if err == nil && did == 0 {
		return nil, client.Refused("there is one already")
	}
	return nil, err
}

func (s *store) add(ctx context.Context, op history.Op) (json.RawMessage, error) {
	return nil, s.change(ctx, func(to *link) error { return to.SAdd(ctx, op.Key, string(op.Value)).Err() })
}

func (s *store) elements(ctx context.Context, op history.Op) (json.RawMessage, error) {
	found, err := s.own.SMembers(ctx, op.Key).Result()
	if err != nil {
		return nil, client.Harmless(err)
	}
	slices.SortFunc(found, func(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) })
	return array(found)
}

func (s *store) enqueue(ctx context.Context, op history.Op) (json.RawMessage, error) {
	return nil, s.change(ctx, func(to *link) error { return to.RPush(ctx, op.Key, string(op.Value)).Err() })
}

func (s *store) dequeue(ctx context.Context, op history.Op) (answer json.RawMessage, err error) {
	var text string
	var empty error
	err = s.change(ctx, func(to *link) error {
		text, empty = to.LPop(ctx, op.Key).Result()
		return absent(empty)
	})
	if err != nil {
		return nil, err
	}
	return jsonText(text, empty)
}

func (s *store) drain(ctx context.Context, op history.Op) (json.RawMessage, error) {
	var all *redis.StringSliceCmd
	err := s.change(ctx, func(to *link) error {
		_, err := to.TxPipelined(ctx, func(p redis.Pipeliner) error {
			all = p.LRange(ctx, op.Key, 0, -1)
			p.Del(ctx, op.Key)
			return nil
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	return array(all.Val())
}

func (s *store) increment(ctx context.Context, op history.Op) (json.RawMessage, error) {
	by, err := strconv.ParseInt(string(op.Value), 10, 64)
	if err != nil {
		return nil, client.Refused("%s is nothing that could be added: %w", op.Value, err)
	}
	return nil, s.change(ctx, func(to *link) error { return to.IncrBy(ctx, op.Key, by).Err() })
}

func (s *store) count(ctx context.Context, op history.Op) (json.RawMessage, error) {
	n, err := s.own.Get(ctx, op.Key).Int64()
	if absent(err) != nil {
		return nil, client.Harmless(err)
	}
	return encode(n)
}

func (s *store) generate(ctx context.Context, _ history.Op) (json.RawMessage, error) {
	var n int64
	err := s.change(ctx, func(to *link) (err error) {
		n, err = to.Incr(ctx, "ids").Result()
		return err
	})
	if err != nil {
		return nil, err
	}
	return encode(n)
}

// send appends a message to a log, and answers where.
func (s *store) send(ctx context.Context, op history.Op) (json.RawMessage, error) {
	var length int64
	err := s.change(ctx, func(to *link) (err error) {
		length, err = to.RPush(ctx, op.Key, string(op.Value)).Result()
		return err
	})
	if err != nil {
		return nil, err
	}
	return encode([]any{length - 1, op.Value})
}

// poll reads a log on from where the client's last poll of it ended.
func (s *store) poll() client.Task {
	position := map[string]int64{}
	return func(ctx context.Context, op history.Op) (json.RawMessage, error) {
		from := position[op.Key]
		found, err := s.own.LRange(ctx, op.Key, from, -1).Result()
		if err != nil {
			return nil, client.Harmless(err)
		}
		messages := make([][2]json.RawMessage, len(found))
		for i, text := range found {
			messages[i] = [2]json.RawMessage{strconv.AppendInt(nil, from+int64(i), 10), json.RawMessage(text)}
		}
		position[op.Key] = from + int64(len(found))
		return encode(messages)
	}
}

// subkeys is how many subkeys a row has.
const subkeys = 5

// writeRow writes the subkeys of a row one after the other.
func (s *store) writeRow(ctx context.Context, op history.Op) (json.RawMessage, error) {
	for n := range subkeys {
		err := s.change(ctx, func(to *link) error { return to.Set(ctx, fmt.Sprintf("%s_%d", op.Key, n), 1, 0).Err() })
		if err != nil && n > 0 { // the others are there
			return nil, fmt.Errorf("%d of %d subkeys written: %s", n, subkeys, err)
		}
		if err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// readRow reads them in the opposite order, each by itself.
func (s *store) readRow(ctx context.Context, op history.Op) (json.RawMessage, error) {
	found := make([]*string, 0, subkeys)
	for n := subkeys - 1; n >= 0; n-- {
		name := fmt.Sprintf("%s_%d", op.Key, n)
		there, err := s.own.Exists(ctx, name).Result()
		switch {
		case err != nil:
			return nil, client.Harmless(err)
		case there == 0:
			found = append(found, nil)
		default:
			found = append(found, &name)
		}
	}
	return encode(found)
}
