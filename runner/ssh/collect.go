package ssh

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// logLimit is how much is kept of each file, in bytes: its end.
const logLimit = 64 << 20

// Collect writes for each node dir/<node>/stdout.log and stderr.log, where the
// node was started by a command of its own, stdout.log out of the journal, where
// it is a unit, and the files that the scenario names; 64 MiB of each at most. It
// collects what it can: the error tells what is missing.
func (c *Cluster) Collect(ctx context.Context, dir string) error {
	return errors.Join(c.each(func(m *member) error {
		return m.collect(ctx, filepath.Join(dir, m.Node))
	})...)
}

func (m *member) collect(ctx context.Context, dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("collect the logs: %w", err)
	}
	var errs []error
	root, err := m.root(ctx)
	if err != nil {
		return fmt.Errorf("collect the logs: %w", err)
	}
	for _, l := range m.cluster.spec.Control.logs(m, root) {
		if err := m.fetch(ctx, l, filepath.Join(dir, l.name)); err != nil {
			errs = append(errs, fmt.Errorf("collect the log %s: %w", l.name, err))
		}
	}
	return errors.Join(errs...)
}

// fetch copies the end of one log of the host.
func (m *member) fetch(ctx context.Context, from log, local string) error {
	f, err := os.OpenFile(local, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	err = m.persist(ctx, func(l *link) error {
		if _, err := f.Seek(0, 0); err != nil {
			return err
		}
		return l.Stream(ctx, from.lastBytes(logLimit), f)
	})
	return errors.Join(err, f.Close())
}
