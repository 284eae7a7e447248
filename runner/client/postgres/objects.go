package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5"

	"github.com/shakedown-dev/shakedown/history"
	"github.com/shakedown-dev/shakedown/runner/client"
)

func (s *store) add(ctx context.Context, op history.Op) (json.RawMessage, error) {
	return nil, s.transact(ctx, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "INSERT INTO elements (k, v) VALUES ($1, $2)", op.Key, string(op.Value))
		return err
	})
}

func (s *store) elements(ctx context.Context, op history.Op) (json.RawMessage, error) {
	var found []json.RawMessage
	err := s.view(ctx, func(tx pgx.Tx) (err error) {
		found, err = texts(ctx, tx, "SELECT v FROM elements WHERE k = $1 ORDER BY length(v), v", op.Key)
		return err
	})
	return encode(found, err)
}

func (s *store) enqueue(ctx context.Context, op history.Op) (json.RawMessage, error) {
	return nil, s.transact(ctx, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "INSERT INTO messages (k, v) VALUES ($1, $2)", op.Key, string(op.Value))
		return err
	})
}

// dequeue takes the first message that nobody else is about to take.
func (s *store) dequeue(ctx context.Context, op history.Op) (json.RawMessage, error) {
	text := "null"
	err := s.transact(ctx, func(tx pgx.Tx) error {
		const take = `DELETE FROM messages WHERE id = (SELECT id FROM messages WHERE k = $1 ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING v`
		err := tx.QueryRow(ctx, take, op.Key).Scan(&text)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		return err
	})
	return json.RawMessage(text), err
}

func (s *store) drain(ctx context.Context, op history.Op) (json.RawMessage, error) {
	var found []json.RawMessage
	err := s.transact(ctx, func(tx pgx.Tx) (err error) {
		found, err = texts(ctx, tx, "WITH gone AS (DELETE FROM messages WHERE k = $1 RETURNING id, v) SELECT v FROM gone ORDER BY id", op.Key)
		return err
	})
	return encode(found, err)
}

func (s *store) increment(ctx context.Context, op history.Op) (json.RawMessage, error) {
	by, err := strconv.ParseInt(string(op.Value), 10, 64)
	if err != nil {
		return nil, client.Refused("%s is nothing that could be added: %w", op.Value, err)
	}
	return nil, s.transact(ctx, func(tx pgx.Tx) error {
		const more = "INSERT INTO counters (k, v) VALUES ($1, $2) ON CONFLICT (k) DO UPDATE SET v = counters.v + excluded.v"
		_, err := tx.Exec(ctx, more, op.Key, by)
		return err
	})
}

func (s *store) count(ctx context.Context, op history.Op) (json.RawMessage, error) {
	var n int64
	err := s.view(ctx, func(tx pgx.Tx) error {
		err := tx.QueryRow(ctx, "SELECT v FROM counters WHERE k = $1", op.Key).Scan(&n)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		return err
	})
	return encode(n, err)
}

func (s *store) generate(ctx context.Context, _ history.Op) (json.RawMessage, error) {
	var n int64
	err := s.transact(ctx, func(tx pgx.Tx) error { return tx.QueryRow(ctx, "SELECT nextval('ids')").Scan(&n) })
	return encode(n, err)
}

// send appends a message to a log as many an outbox does: its place is the next
// number of a sequence.
func (s *store) send(ctx context.Context, op history.Op) (json.RawMessage, error) {
	var id int64
	err := s.transact(ctx, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, "INSERT INTO messages (k, v) VALUES ($1, $2) RETURNING id", op.Key, string(op.Value)).Scan(&id)
	})
	return encode([]any{id, op.Value}, err)
}

// poll reads what has a greater number than all that the client has seen.
func (s *store) poll() client.Task {
	seen := map[string]int64{}
	return func(ctx context.Context, op history.Op) (json.RawMessage, error) {
		messages := [][2]json.RawMessage{}
		last := seen[op.Key]
		err := s.view(ctx, func(tx pgx.Tx) error {
			rows, err := tx.Query(ctx, "SELECT id, v FROM messages WHERE k = $1 AND id > $2 ORDER BY id", op.Key, last)
			if err != nil {
				return err
			}
			var text string
			_, err = pgx.ForEachRow(rows, []any{&last, &text}, func() error {
				messages = append(messages, [2]json.RawMessage{strconv.AppendInt(nil, last, 10), json.RawMessage(text)})
				return nil
			})
			return err
		})
		if err == nil {
			seen[op.Key] = last
		}
		return encode(messages, err)
	}
}

// A row is what the workload monotonic inserts.
type row struct {
	Value     int64  `json:"val"`
	Timestamp string `json:"sts"`
}

// grow inserts the largest value there is and one more. Its timestamp is the
// number of the transaction.
func (s *store) grow(ctx context.Context, op history.Op) (json.RawMessage, error) {
	var r row
	err := s.transact(ctx, func(tx pgx.Tx) error {
		var top, number int64
		err := tx.QueryRow(ctx, "SELECT coalesce(max(val), 0), pg_current_xact_id()::text::bigint FROM growing WHERE k = $1", op.Key).Scan(&top, &number)
		if err != nil {
			return err
		}
		r = row{top + 1, strconv.FormatInt(number, 10)}
		_, err = tx.Exec(ctx, "INSERT INTO growing (k, val, sts) VALUES ($1, $2, $3)", op.Key, r.Value, number)
		return err
	})
	return encode(r, err)
}

func (s *store) grown(ctx context.Context, op history.Op) (json.RawMessage, error) {
	found := []row{}
	err := s.view(ctx, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, "SELECT val, sts FROM growing WHERE k = $1 ORDER BY val", op.Key)
		if err != nil {
			return err
		}
		var val, sts int64
		_, err = pgx.ForEachRow(rows, []any{&val, &sts}, func() error {
			found = append(found, row{val, strconv.FormatInt(sts, 10)})
			return nil
		})
		return err
	})
	return encode(found, err)
}

// subkeys is how many subkeys a row has.
const subkeys = 5

// writeRow writes the subkeys of a row, each in a transaction of its own.
func (s *store) writeRow(ctx context.Context, op history.Op) (json.RawMessage, error) {
	for n := range subkeys {
		err := s.transact(ctx, func(tx pgx.Tx) error {
			return set(ctx, tx, fmt.Sprintf("%s_%d", op.Key, n), json.RawMessage("1"))
		})
		if err != nil && n > 0 { // the others are there
			return nil, fmt.Errorf("%d of %d subkeys written: %s", n, subkeys, err)
		}
		if err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// readRow reads them in the opposite order, each in a transaction of its own.
func (s *store) readRow(ctx context.Context, op history.Op) (json.RawMessage, error) {
	found := make([]*string, 0, subkeys)
	for n := subkeys - 1; n >= 0; n-- {
		name := fmt.Sprintf("%s_%d", op.Key, n)
		var value json.RawMessage
		err := s.view(ctx, func(tx pgx.Tx) (err error) {
			value, err = get(ctx, tx, "registers", name)
			return err
		})
		switch {
		case err != nil:
			return nil, err
		case value == nil:
			found = append(found, nil)
		default:
			found = append(found, &name)
		}
	}
	return encode(found, nil)
}
