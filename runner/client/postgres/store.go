package postgres

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/shakedown-dev/shakedown/history"
	"github.com/shakedown-dev/shakedown/runner/client"
	"github.com/shakedown-dev/shakedown/scenarios"
)

// A store is a client: one session with one node.
type store struct {
	config *pgx.ConnConfig
	level  pgx.TxIsoLevel
	conn   *pgx.Conn // nil until the first operation
	tasks  client.Tasks
}

func newStore(config *pgx.ConnConfig, level pgx.TxIsoLevel, w scenarios.Workload) *store {
	s := &store{config: config, level: level}
	registers := client.Tasks{"read": s.read, "write": s.write, "cas": s.cas}
	s.tasks = map[string]client.Tasks{
		"":               registers,
		"register":       registers,
		"cas-register":   registers,
		"append":         {"txn": s.txn("lists")},
		"rw-register":    {"txn": s.txn("registers")},
		"long-fork":      {"txn": s.txn("registers")},
		"bank":           {"transfer": s.transfer, "read": s.balances},
		"write-skew":     {"insert": s.insert},
		"set":            {"add": s.add, "read": s.elements},
		"causal-reverse": {"write": s.add, "read": s.elements},
		"queue":          {"enqueue": s.enqueue, "dequeue": s.dequeue, "drain": s.drain},
		"counter":        {"add": s.increment, "read": s.count},
		"unique-ids":     {"generate": s.generate},
		"log":            {"send": s.send, "poll": s.poll()},
		"monotonic":      {"add": s.grow, "read": s.grown},
		"sequential":     {"write": s.writeRow, "read": s.readRow},
	}[w.Use]
	return s
}

// Invoke carries out op, as [client.Client] says.
func (s *store) Invoke(ctx context.Context, op history.Op) history.Op {
	return s.tasks.Invoke(ctx, op)
}

// Close ends the session.
func (s *store) Close() error {
	if s.conn != nil {
		closeConn(s.conn)
	}
	return nil
}

// session returns the session, a new one if the last has ended.
func (s *store) session(ctx context.Context) (*pgx.Conn, error) {
	if s.conn != nil && !s.conn.IsClosed() {
		return s.conn, nil
	}
	conn, err := pgx.ConnectConfig(ctx, s.config)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	s.conn = conn
	return conn, nil
}

// transact runs do as one transaction. Whatever fails before its end was sent
// has had no effect; see [committed] for the end itself.
func (s *store) transact(ctx context.Context, do func(pgx.Tx) error) error {
	conn, err := s.session(ctx)
	if err != nil {
		return client.Harmless(err)
	}
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: s.level})
	if err != nil {
		return client.Harmless(err)
	}
	if err := do(tx); err != nil {
		_ = tx.Rollback(ctx) // if that fails, the session has ended, and the transaction with it
		return client.Harmless(err)
	}
	return committed(tx.Commit(ctx))
}

// view runs do as a transaction that changes nothing, so that it fails at worst.
func (s *store) view(ctx context.Context, do func(pgx.Tx) error) error {
	return client.Harmless(s.transact(ctx, do))
}

// texts reads a column of JSON texts.
func texts(ctx context.Context, tx pgx.Tx, sql string, args ...any) ([]json.RawMessage, error) {
	rows, err := tx.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	found, err := pgx.CollectRows(rows, pgx.RowTo[string])
	out := make([]json.RawMessage, len(found))
	for i, text := range found {
		out[i] = json.RawMessage(text)
	}
	return out, err
}

// encode writes an answer.
func encode(v any, err error) (json.RawMessage, error) {
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("write the answer: %w", err)
	}
	return text, nil
}
