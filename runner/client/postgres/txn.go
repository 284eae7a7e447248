package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"

	"github.com/jackc/pgx/v5"

	"github.com/shakedown-dev/shakedown/history"
	"github.com/shakedown-dev/shakedown/runner/client"
	"github.com/shakedown-dev/shakedown/runner/client/micro"
)

// txn carries out micro-operations one after the other, on a table of lists or
// of registers.
func (s *store) txn(table string) client.Task {
	return func(ctx context.Context, op history.Op) (json.RawMessage, error) {
		ops, err := micro.Parse(op.Value)
		if err != nil {
			return nil, client.Harmless(err)
		}
		err = s.transact(ctx, func(tx pgx.Tx) error {
			for i := range ops {
				if err := step(ctx, tx, table, &ops[i]); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		return micro.Format(ops)
	}
}

// step carries out one micro-operation. A list is stored as what stands between
// the brackets of its JSON.
func step(ctx context.Context, tx pgx.Tx, table string, o *micro.Op) error {
	switch o.F {
	case "append":
		const push = "INSERT INTO lists (k, v) VALUES ($1, $2) ON CONFLICT (k) DO UPDATE SET v = lists.v || ',' || excluded.v"
		_, err := tx.Exec(ctx, push, o.Key, string(o.Value))
		return err
	case "w":
		return set(ctx, tx, o.Key, o.Value)
	}
	text, err := get(ctx, tx, table, o.Key)
	if text != nil && table == "lists" {
		text = json.RawMessage("[" + string(text) + "]")
	}
	o.Value = text
	return err
}

// get reads what is under a key; nil if nothing is.
func get(ctx context.Context, tx pgx.Tx, table, key string) (json.RawMessage, error) {
	var text string
	err := tx.QueryRow(ctx, "SELECT v FROM "+table+" WHERE k = $1", key).Scan(&text)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	return json.RawMessage(text), err
}

func set(ctx context.Context, tx pgx.Tx, key string, value json.RawMessage) error {
	const put = "INSERT INTO registers (k, v) VALUES ($1, $2) ON CONFLICT (k) DO UPDATE SET v = excluded.v"
	_, err := tx.Exec(ctx, put, key, string(value))
	return err
}

func (s *store) read(ctx context.Context, op history.Op) (value json.RawMessage, err error) {
	err = s.view(ctx, func(tx pgx.Tx) (err error) {
		value, err = get(ctx, tx, "registers", op.Key)
		return err
	})
	if value == nil {
		value = json.RawMessage("null")
	}
	return value, err
}

func (s *store) write(ctx context.Context, op history.Op) (json.RawMessage, error) {
	return nil, s.transact(ctx, func(tx pgx.Tx) error { return set(ctx, tx, op.Key, op.Value) })
}

func (s *store) cas(ctx context.Context, op history.Op) (json.RawMessage, error) {
	var pair [2]json.RawMessage
	if err := json.Unmarshal(op.Value, &pair); err != nil {
		return nil, client.Refused("a cas needs [old, new], and has %s", op.Value)
	}
	return nil, s.transact(ctx, func(tx pgx.Tx) error {
		sql, args := "UPDATE registers SET v = $2 WHERE k = $1 AND v = $3", []any{op.Key, string(pair[1]), string(pair[0])}
		if string(pair[0]) == "null" {
			sql, args = "INSERT INTO registers (k, v) VALUES ($1, $2) ON CONFLICT DO NOTHING", args[:2]
		}
		done, err := tx.Exec(ctx, sql, args...)
		if err == nil && done.RowsAffected() == 0 {
			return differed(ctx, tx, op.Key, pair)
		}
		return err
	})
}

// differed is the error of a cas that changed nothing, with what is there
// instead: at isolation read committed perhaps since a moment ago, and maybe what
// was expected.
func differed(ctx context.Context, tx pgx.Tx, key string, pair [2]json.RawMessage) error {
	var found string
	err := tx.QueryRow(ctx, "SELECT v FROM registers WHERE k = $1", key).Scan(&found)
	if errors.Is(err, pgx.ErrNoRows) {
		found, err = "null", nil
	}
	if err != nil {
		return err
	}
	return client.Differed(pair[0], pair[1], json.RawMessage(found))
}

// transfer reads both balances and writes them back, as if it were alone.
func (s *store) transfer(ctx context.Context, op history.Op) (json.RawMessage, error) {
	t, err := client.ParseTransfer(op.Value)
	if err != nil {
		return nil, err
	}
	return nil, s.transact(ctx, func(tx pgx.Tx) error {
		const read, write = "SELECT balance FROM accounts WHERE id = $1", "UPDATE accounts SET balance = $2 WHERE id = $1"
		var from, to int
		if err := errors.Join(tx.QueryRow(ctx, read, t.From).Scan(&from), tx.QueryRow(ctx, read, t.To).Scan(&to)); err != nil {
			return err
		}
		if from < t.Amount {
			return client.Refused("account %d holds only %d", t.From, from)
		}
		if _, err := tx.Exec(ctx, write, t.From, from-t.Amount); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, write, t.To, to+t.Amount)
		return err
	})
}

func (s *store) balances(ctx context.Context, _ history.Op) (json.RawMessage, error) {
	out := map[string]int{}
	err := s.view(ctx, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, "SELECT id, balance FROM accounts")
		if err != nil {
			return err
		}
		var id, balance int
		_, err = pgx.ForEachRow(rows, []any{&id, &balance}, func() error {
			out[strconv.Itoa(id)] = balance
			return nil
		})
		return err
	})
	return encode(out, err)
}

// insert is one half of a pair of which at most one may succeed: it looks by a
// predicate whether either table has a row for the key, and inserts its own.
func (s *store) insert(ctx context.Context, op history.Op) (json.RawMessage, error) {
	var pair [2]*int
	if err := json.Unmarshal(op.Value, &pair); err != nil {
		return nil, client.Refused("read the insert %s: %w", op.Value, err)
	}
	table, id := "lefts", pair[0]
	if id == nil {
		table, id = "rights", pair[1]
	}
	return nil, s.transact(ctx, func(tx pgx.Tx) error {
		var rows int
		const look = "SELECT (SELECT count(*) FROM lefts WHERE k = $1) + (SELECT count(*) FROM rights WHERE k = $1)"
		if err := tx.QueryRow(ctx, look, op.Key).Scan(&rows); err != nil {
			return err
		}
		if rows > 0 {
			return client.Refused("there is one already")
		}
		_, err := tx.Exec(ctx, "INSERT INTO "+table+" (id, k) VALUES ($1, $2)", *id, op.Key)
		return err
	})
}
