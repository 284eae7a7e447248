package ssh

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// logLimit is how much is kept of each file, in bytes: its end.
const logLimit = 64 << 20

// Collect writes for each node dir/<node>/stdout.log and stderr.log, where the
// node was started by a command of its own, and the files that the scenario
// names; 64 MiB of each at most. It collects what it can: the error tells what
// is missing.
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
	files := m.cluster.spec.Control.logFiles(m)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := m.fetch(ctx, files[name], filepath.Join(dir, name)); err != nil {
			errs = append(errs, fmt.Errorf("collect the log %s: %w", name, err))
		}
	}
	return errors.Join(errs...)
}

// fetch copies the end of one file of the host.
func (m *member) fetch(ctx context.Context, remote, local string) error {
	f, err := os.OpenFile(local, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	err = m.persist(ctx, func(l *link) error {
		if _, err := f.Seek(0, 0); err != nil {
			return err
		}
		return l.Stream(ctx, fmt.Sprintf("tail -c %d %s", logLimit, remote), f)
	})
	return errors.Join(err, f.Close())
}
