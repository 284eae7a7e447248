package agent

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"github.com/shakedown-dev/shakedown/nemesis/agent/disk"
)

// disks are the file systems under the nodes' data, by node.
type disks struct {
	mu  sync.Mutex
	all map[string]*disk.FS
}

func (a *agent) diskVerbs() map[string]verb {
	return map[string]verb{
		MountDisk:  {do: a.mountDisk, needs: []string{"node", "disk"}},
		HurtDisk:   {do: a.hurtDisk, needs: []string{"id", "node", "disk"}},
		MendDisk:   {do: a.mendDisk, needs: []string{"id", "node"}},
		DiskHits:   {do: a.diskHits, needs: []string{"id", "node"}},
		PowerFail:  {do: a.powerFail, needs: []string{"node", "disk"}},
		KeepDisk:   {do: a.keepDisk, needs: []string{"id", "node", "disk"}},
		HarmDisk:   {do: a.harmDisk, needs: []string{"id", "node", "disk"}},
		UnharmDisk: {do: a.unharmDisk, needs: []string{"id", "node"}},
		WipeDisk:   {do: a.wipeDisk, needs: []string{"node"}},
		SweepDisks: {do: a.sweepDisks, needs: []string{"disk"}, all: true},
	}
}

func (d *disks) get(node string) (*disk.FS, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if fs := d.all[node]; fs != nil {
		return fs, nil
	}
	return nil, fmt.Errorf("the disk of %s is not ours: it was not mounted before the node started", node)
}

func (a *agent) mountDisk(_ context.Context, r Request) (Reply, error) {
	a.disks.mu.Lock()
	defer a.disks.mu.Unlock()
	if a.disks.all[r.Node] != nil {
		return Reply{Evidence: "mounted already"}, nil
	}
	o := disk.Options{
		Backing: filepath.Join(r.Disk.Dir, "data"),
		State:   filepath.Join(r.Disk.Dir, "state"),
		Mount:   filepath.Join(r.Disk.Dir, "mount"),
	}
	for _, dir := range []string{o.Backing, o.Mount} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return Reply{}, fmt.Errorf("make a disk: %w", err)
		}
	}
	fs, err := disk.Mount(o)
	if err != nil {
		return Reply{}, err
	}
	if a.disks.all == nil {
		a.disks.all = map[string]*disk.FS{}
	}
	a.disks.all[r.Node] = fs
	return Reply{Evidence: "mounted " + o.Mount}, nil
}

func (a *agent) hurtDisk(_ context.Context, r Request) (Reply, error) {
	fs, err := a.disks.get(r.Node)
	if err != nil {
		return Reply{}, err
	}
	rule := disk.Rule{
		ID: r.ID, Kind: disk.Kind(r.Disk.Kind), Path: r.Disk.Path, Probability: r.Disk.Probability,
		Seed: r.Disk.Seed, Delay: r.Disk.Delay, Room: r.Disk.Room,
	}
	for _, op := range r.Disk.Ops {
		rule.Ops = append(rule.Ops, disk.Op(op))
	}
	return Reply{}, fs.Inject(rule)
}

func (a *agent) mendDisk(_ context.Context, r Request) (Reply, error) {
	fs, err := a.disks.get(r.Node)
	if err != nil {
		return Reply{}, err
	}
	return hits(fs.Heal(r.ID)), nil
}

func (a *agent) diskHits(_ context.Context, r Request) (Reply, error) {
	fs, err := a.disks.get(r.Node)
	if err != nil {
		return Reply{}, err
	}
	return hits(fs.Counters(r.ID)), nil
}

func hits(c disk.Counters) Reply {
	return Reply{Evidence: c.String(), Number: c.Failed + c.Delayed}
}

func (a *agent) powerFail(ctx context.Context, r Request) (Reply, error) {
	return a.whileDown(ctx, r, func(fs *disk.FS) (string, int64, error) {
		ev, err := fs.PowerFail(r.Disk.Seed, disk.Loss(r.Disk.Lose))
		return ev.String(), ev.Bytes, err
	})
}

// whileDown does something to the disk of a node that is down, and keeps it
// down meanwhile. It refuses one that runs: what that has in memory would
// survive.
func (a *agent) whileDown(ctx context.Context, r Request, do func(*disk.FS) (evidence string, number int64, err error)) (Reply, error) {
	fs, err := a.disks.get(r.Node)
	if err != nil {
		return Reply{}, err
	}
	n, err := a.hold(ctx, r.Node)
	if err != nil {
		return Reply{}, err
	}
	defer n.mu.Unlock()
	if n.running() == nil {
		return Reply{}, fmt.Errorf("%s is still running: kill it first", r.Node)
	}
	begin := time.Now()
	evidence, number, err := do(fs)
	return Reply{Evidence: evidence, Number: number, Took: time.Since(begin)}, err
}

func (a *agent) keepDisk(_ context.Context, r Request) (Reply, error) {
	fs, err := a.disks.get(r.Node)
	if err != nil {
		return Reply{}, err
	}
	n, err := fs.Keep(r.ID, r.Disk.Path)
	return Reply{Evidence: fmt.Sprintf("%d files copied", n), Number: int64(n)}, err
}

// asBefore is the name under which what a fault harms at rest is kept.
func asBefore(fault string) string { return fault + " (as before)" }

func (a *agent) harmDisk(ctx context.Context, r Request) (Reply, error) {
	d := disk.Damage{
		Harm: disk.Harm(r.Disk.Kind), Path: r.Disk.Path, Seed: r.Disk.Seed,
		Files: r.Disk.Files, Bits: r.Disk.Bits, Bytes: r.Disk.Cut,
	}
	if d.Harm == disk.OldCopy {
		d.Kept = r.ID
	}
	if r.Disk.Restore {
		d.Save = asBefore(r.ID)
	}
	return a.whileDown(ctx, r, func(fs *disk.FS) (string, int64, error) {
		done, err := fs.Damage(d)
		return done.String(), done.Bytes, err
	})
}

func (a *agent) unharmDisk(ctx context.Context, r Request) (Reply, error) {
	return a.whileDown(ctx, r, func(fs *disk.FS) (string, int64, error) {
		done, err := fs.PutBack(asBefore(r.ID))
		return done.String(), done.Bytes, err
	})
}

func (a *agent) wipeDisk(ctx context.Context, r Request) (Reply, error) {
	return a.whileDown(ctx, r, func(fs *disk.FS) (string, int64, error) {
		return "nothing is left", 0, fs.Wipe()
	})
}

// heal takes all rules back, and says what there were.
func (d *disks) heal() (was []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for node, fs := range d.all {
		for _, rule := range fs.HealAll() {
			was = append(was, node+"'s disk: "+rule)
		}
	}
	slices.Sort(was)
	return was
}

// close unmounts everything, all at a time: one that is in use takes a while.
func (d *disks) close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	var g errgroup.Group
	for _, fs := range d.all {
		g.Go(fs.Close)
	}
	clear(d.all)
	return g.Wait()
}

// sweepDisks unmounts what an agent left that was killed. Here it is a dead
// mount; where it was mounted from and in the nodes it goes with it.
func (a *agent) sweepDisks(_ context.Context, r Request) (Reply, error) {
	mounts, err := mountsBelow(r.Disk.Dir)
	if err != nil {
		return Reply{}, err
	}
	var errs []error
	for _, at := range slices.Backward(mounts) {
		if err := unix.Unmount(at, unix.MNT_DETACH); err != nil {
			errs = append(errs, fmt.Errorf("unmount %s: %w", at, err))
		}
	}
	return Reply{Evidence: "unmounted " + strings.Join(mounts, ", "), Number: int64(len(mounts))}, errors.Join(errs...)
}

// mountsBelow lists the file systems of ours that are mounted below dir.
func mountsBelow(dir string) ([]string, error) {
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return nil, fmt.Errorf("read the mounts: %w", err)
	}
	defer func() { _ = f.Close() }() // only read from
	var found []string
	for lines := bufio.NewScanner(f); lines.Scan(); {
		line := lines.Text()
		fields := strings.Fields(line)
		if len(fields) > 4 && strings.HasPrefix(fields[4], dir+"/") && strings.Contains(line, " - fuse.shakedown ") {
			found = append(found, fields[4])
		}
	}
	return found, nil
}
