//go:build linux

package rules

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"time"

	"github.com/google/nftables"
)

// Prefix begins the names of all our tables, by which [Sweep] knows them.
const Prefix = "shakedown"

// Lifetime is how long a match stays in force unless it is renewed; [Renewal]
// is how often to do that, so that two may be missed.
const (
	Lifetime = 30 * time.Second
	Renewal  = 10 * time.Second
)

// TableName is a table's name for a run: [Prefix], an underscore and what
// nftables takes of the run's name without quotes.
func TableName(run string) string {
	clean := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, run)
	return Prefix + "_" + clean[:min(len(clean), 64)]
}

// All stands for every run in [Sweep].
const All = "*"

// Sweep deletes, of one run or of [All], all tables of a family whose names begin with [Prefix],
// whoever made them, in a network namespace. It returns their names.
func Sweep(ctx context.Context, netns int, family nftables.TableFamily, run string) ([]string, error) {
	var names []string
	err := Talk(ctx, netns, func(c *nftables.Conn) error {
		tables, err := c.ListTablesOfFamily(family)
		if err != nil {
			return err
		}
		for _, t := range tables {
			if strings.HasPrefix(t.Name, Prefix+"_") && (run == All || t.Name == TableName(run)) {
				names = append(names, t.Name)
				c.DelTable(t)
			}
		}
		return c.Flush()
	})
	if err != nil {
		return nil, fmt.Errorf("sweep tables: %w", err)
	}
	return names, nil
}

// hint says what may be missing where the kernel does not.
func hint(err error, needs string) error {
	switch {
	case errors.Is(err, syscall.EPERM):
		return fmt.Errorf("%w (CAP_NET_ADMIN is needed)", err)
	case errors.Is(err, syscall.EOPNOTSUPP), errors.Is(err, syscall.EAFNOSUPPORT), errors.Is(err, syscall.ENOENT):
		return fmt.Errorf("%w (does this kernel have %s?)", err, needs)
	}
	return err
}
