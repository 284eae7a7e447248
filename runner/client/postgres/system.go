// Package postgres drives PostgreSQL, by itself or with hot standbys. Every
// operation is one transaction, at the isolation level that the scenario names.
//
// What it does within a transaction is what programs do that trust the level:
// the transfer of a bank reads two balances and writes them back. At a level
// that is too weak for that, money is lost, and that is for the checks to find.
//
// Start with [New]; outcome.go is the heart.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/shakedown-dev/shakedown/runner/client"
	"github.com/shakedown-dev/shakedown/scenarios"
)

// connectTimeout bounds one attempt to connect.
const connectTimeout = time.Second

// A System opens clients to the nodes of PostgreSQL. It is safe for use by many
// goroutines.
type System struct {
	level    pgx.TxIsoLevel
	workload scenarios.Workload
}

var (
	_ client.System     = (*System)(nil)
	_ client.RoleTeller = (*System)(nil)
	_ client.Preparer   = (*System)(nil)
)

// New returns the system that c describes, with the operations of the workload.
func New(c scenarios.Client, w scenarios.Workload) *System {
	level := map[string]pgx.TxIsoLevel{
		"repeatable-read": pgx.RepeatableRead, "read-committed": pgx.ReadCommitted,
	}[c.Isolation]
	if level == "" {
		level = pgx.Serializable
	}
	return &System{level: level, workload: w}
}

// Open returns a client to n, which connects with its first operation.
func (s *System) Open(_ context.Context, n client.Node) (client.Client, error) {
	config, err := configOf(n)
	if err != nil {
		return nil, err
	}
	return newStore(config, s.level, s.workload), nil
}

// configOf says how to connect to n: as postgres, without a password.
func configOf(n client.Node) (*pgx.ConnConfig, error) {
	port, ok := n.Ports["client"]
	if !ok {
		return nil, fmt.Errorf(`node %s: no port named "client"`, n.Name)
	}
	config, err := pgx.ParseConfig(fmt.Sprintf("postgres://postgres@%s/postgres?sslmode=disable", net.JoinHostPort(n.IP, strconv.Itoa(port))))
	if err != nil {
		return nil, fmt.Errorf("node %s: %w", n.Name, err)
	}
	config.ConnectTimeout = connectTimeout
	config.DefaultQueryExecMode = pgx.QueryExecModeExec // nothing is prepared, so nothing is asked twice
	return config, nil
}

// asking runs do on a connection of its own.
func asking(ctx context.Context, n client.Node, do func(*pgx.Conn) error) error {
	config, err := configOf(n)
	if err != nil {
		return err
	}
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return fmt.Errorf("node %s: %w", n.Name, err)
	}
	defer closeConn(conn)
	if err := do(conn); err != nil {
		return fmt.Errorf("node %s: %w", n.Name, err)
	}
	return nil
}

// closeConn gives up a connection of which nothing is wanted any more.
func closeConn(conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), connectTimeout)
	defer cancel()
	_ = conn.Close(ctx)
}

// Ready returns nil once n is a primary that commits a write, or a standby that
// its primary streams to.
func (s *System) Ready(ctx context.Context, n client.Node) error {
	return asking(ctx, n, func(conn *pgx.Conn) error {
		standby, err := isStandby(ctx, conn)
		if err != nil {
			return err
		}
		if !standby {
			_, err := conn.Exec(ctx, "SELECT pg_logical_emit_message(true, 'shakedown', 'ready')")
			return err
		}
		var state string
		err = conn.QueryRow(ctx, "SELECT status FROM pg_stat_wal_receiver").Scan(&state)
		if errors.Is(err, pgx.ErrNoRows) {
			return errors.New("it is a standby that follows nobody")
		}
		if err == nil && state != "streaming" {
			return errors.New("it is a standby, and not in step: " + state)
		}
		return err
	})
}

func isStandby(ctx context.Context, conn *pgx.Conn) (standby bool, err error) {
	err = conn.QueryRow(ctx, "SELECT pg_is_in_recovery()").Scan(&standby)
	return standby, err
}

// Leader returns the first node that is no standby.
func (s *System) Leader(ctx context.Context, nodes []client.Node) (string, error) {
	n, err := primaryOf(ctx, nodes)
	return n.Name, err
}

func primaryOf(ctx context.Context, nodes []client.Node) (client.Node, error) {
	for _, n := range nodes {
		standby := true
		trying, cancel := context.WithTimeout(ctx, connectTimeout)
		err := asking(trying, n, func(conn *pgx.Conn) (err error) {
			standby, err = isStandby(trying, conn)
			return err
		})
		cancel()
		if err == nil && !standby {
			return n, nil
		}
	}
	return client.Node{}, errors.New("no node answers that it is the primary")
}

// Prepare makes the tables, and puts money into the accounts of a bank.
func (s *System) Prepare(ctx context.Context, nodes []client.Node) error {
	n, err := primaryOf(ctx, nodes)
	if err != nil {
		return err
	}
	return asking(ctx, n, func(conn *pgx.Conn) error {
		if _, err := conn.Exec(ctx, tables, pgx.QueryExecModeSimpleProtocol); err != nil {
			return fmt.Errorf("make the tables: %w", err)
		}
		if s.workload.Use != "bank" {
			return nil
		}
		for i := range s.workload.Accounts {
			const open = "INSERT INTO accounts (id, balance) VALUES ($1, $2) ON CONFLICT DO NOTHING"
			if _, err := conn.Exec(ctx, open, i, s.workload.Balance); err != nil {
				return fmt.Errorf("open account %d: %w", i, err)
			}
		}
		return nil
	})
}

// tables are those of all workloads.
const tables = `
CREATE TABLE IF NOT EXISTS registers (k text PRIMARY KEY, v text NOT NULL);
CREATE TABLE IF NOT EXISTS lists (k text PRIMARY KEY, v text NOT NULL);
CREATE TABLE IF NOT EXISTS counters (k text PRIMARY KEY, v bigint NOT NULL);
CREATE TABLE IF NOT EXISTS accounts (id int PRIMARY KEY, balance bigint NOT NULL);
CREATE TABLE IF NOT EXISTS elements (k text, v text, PRIMARY KEY (k, v));
CREATE TABLE IF NOT EXISTS messages (id bigserial PRIMARY KEY, k text NOT NULL, v text NOT NULL);
CREATE INDEX IF NOT EXISTS messages_by_key ON messages (k, id);
CREATE TABLE IF NOT EXISTS lefts (id int, k text NOT NULL);
CREATE INDEX IF NOT EXISTS lefts_by_key ON lefts (k);
CREATE TABLE IF NOT EXISTS rights (id int, k text NOT NULL);
CREATE INDEX IF NOT EXISTS rights_by_key ON rights (k);
CREATE TABLE IF NOT EXISTS growing (k text, val bigint, sts bigint, PRIMARY KEY (k, val));
CREATE SEQUENCE IF NOT EXISTS ids;
`
