package agent

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shakedown-dev/shakedown/nemesis/agent/cgroup"
)

// limits are what is wanted of a node's resources, and what is in force.
type limits struct {
	want    []limitWant
	inForce map[string]*bound // by resource
	// felt is how often each resource was felt to be short, since somebody
	// wanted it limited, by processes that have ended.
	felt map[string]int64
	// after is when to try again what failed.
	after time.Time
}

type limitWant struct {
	id string
	Limits
}

// The resources, as they are told.
const (
	cpus   = "processor"
	memory = "memory"
	pids   = "processes and threads"
	files  = "file descriptors"
)

// A bound is a limit in force: on a control group, or on each process.
type bound struct {
	limit  string // in words
	group  cgroup.Group
	before []cgroup.Setting
	told   []cgroup.Group // who passes the controller on to the group, for this
	files  *fileLimit

	wanted, memory int64 // bytes: what was asked for, and what the kernel took

	base, last int64 // how often it was felt when it was imposed, and lately
	kills      int64 // processes killed for want of memory
}

func (l *limits) drop(id string) {
	l.want = slices.DeleteFunc(l.want, func(w limitWant) bool { return w.id == id })
}

// effective are the bounds that count: of each resource that which was asked
// for last.
func (l *limits) effective() Limits {
	var e Limits
	for _, w := range l.want {
		e = w.over(e)
	}
	return e
}

// over is l, and what l does not bound from below.
func (l Limits) over(below Limits) Limits {
	pick := func(a, b int64) int64 {
		if a != 0 {
			return a
		}
		return b
	}
	if l.CPUs != 0 {
		below.CPUs = l.CPUs
	}
	return Limits{below.CPUs, pick(l.Memory, below.Memory), pick(l.Pids, below.Pids), pick(l.Files, below.Files)}
}

// resources are those that are bounded.
func (l Limits) resources() []string {
	var all []string
	for name, is := range map[string]bool{cpus: l.CPUs != 0, memory: l.Memory != 0, pids: l.Pids != 0, files: l.Files != 0} {
		if is {
			all = append(all, name)
		}
	}
	slices.Sort(all)
	return all
}

func (l Limits) check() error {
	switch {
	case l.CPUs < 0 || l.Memory < 0 || l.Pids < 0 || l.Files < 0:
		return errors.New("a limit cannot be less than nothing")
	case len(l.resources()) == 0:
		return errors.New("nothing is to be limited")
	}
	return nil
}

// forget is for a node whose processes have ended, and with them their groups.
func (l *limits) forget() {
	for name, b := range l.inForce {
		l.keep(name, b)
		_ = b.group.Withhold(b.told) // With the groups below it is gone who needs it.
	}
	l.inForce = nil
}

// keep remembers how often a bound was felt.
func (l *limits) keep(name string, b *bound) {
	if l.felt == nil {
		l.felt = map[string]int64{}
	}
	l.felt[name] += b.last - b.base
}

// limitAgain brings a running node to the limits that are wanted.
func (n *node) limitAgain() error {
	if len(n.limits.want) == 0 && len(n.limits.inForce) == 0 {
		return nil
	}
	want := n.limits.effective()
	if err := n.lift(); err != nil {
		return err
	}
	for _, name := range want.resources() {
		b, err := n.impose(name, want)
		if err != nil {
			return errors.Join(fmt.Errorf("limit the %s of %s: %w", name, n.name, err), n.lift())
		}
		if n.limits.inForce == nil {
			n.limits.inForce = map[string]*bound{}
		}
		n.limits.inForce[name] = b
	}
	return nil
}

// lift takes everything back, exactly to how it was.
func (n *node) lift() error {
	var errs []error
	for name, b := range n.limits.inForce {
		b.sample()
		n.limits.keep(name, b)
		err := errors.Join(b.group.Restore(b.before), b.group.Withhold(b.told))
		if b.files != nil {
			err = b.files.lift()
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("take back the limit on the %s of %s: %w", name, n.name, err))
			continue
		}
		delete(n.limits.inForce, name)
	}
	return errors.Join(errs...)
}

// impose bounds one resource.
func (n *node) impose(name string, want Limits) (_ *bound, err error) {
	if name == files {
		return n.imposeFiles(want.Files)
	}
	controller := map[string]string{cpus: cgroup.CPU, memory: cgroup.Memory, pids: cgroup.Pids}[name]
	group, err := cgroup.With(n.main.pid, controller)
	if err == nil {
		err = group.Apart()
	}
	if err != nil {
		return nil, err
	}
	b := &bound{group: group}
	if b.told, err = group.Provide(); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, group.Withhold(b.told))
		}
	}()
	if b.base, err = b.count(); err != nil {
		return nil, err
	}
	switch b.last = b.base; name {
	case cpus:
		b.limit = strconv.FormatFloat(want.CPUs, 'f', -1, 64) + " of a processor"
		b.before, err = group.LimitCPU(want.CPUs)
	case pids:
		b.limit = count(int(want.Pids), "process or thread", "processes and threads")
		b.before, err = group.LimitPids(want.Pids)
	case memory:
		b.wanted = want.Memory
		b.before, b.memory, err = group.LimitMemory(want.Memory)
		b.sayMemory()
	}
	return b, err
}

func (b *bound) sayMemory() {
	b.limit = mebibytes(b.memory) + " of memory"
	if b.memory != b.wanted {
		b.limit += " (more is in use than " + mebibytes(b.wanted) + ", and this kernel takes no limit below that)"
	}
}

// tighten brings a limit on memory closer to what was wanted, where the kernel
// would not take that.
func (b *bound) tighten() (err error) {
	if b.memory == b.wanted {
		return nil
	}
	b.memory, err = b.group.Tighten(b.wanted, b.memory)
	b.sayMemory()
	return err
}

func mebibytes(n int64) string {
	return strconv.FormatFloat(math.Round(float64(n)/(1<<20)*10)/10, 'f', -1, 64) + " MiB"
}

// count is how often the bound was felt, since its group was made.
func (b *bound) count() (n int64, err error) {
	switch {
	case b.files != nil:
		return b.files.felt, nil
	case b.group.Controller() == cgroup.CPU:
		return b.group.Throttled()
	case b.group.Controller() == cgroup.Pids:
		return b.group.Refused()
	}
	n, b.kills, err = b.group.Shortages()
	return n, err
}

// sample keeps the last count that could be read: with the last process of a
// container its groups are gone.
func (b *bound) sample() {
	if n, err := b.count(); err == nil {
		b.last = max(b.last, n)
	}
}

// say says what one bound has done.
func (b *bound) say(n int64) string {
	switch {
	case b.files != nil:
		return b.limit + ": " + b.files.say(n)
	case b.group.Controller() == cgroup.CPU:
		return fmt.Sprintf("%s: throttled in %s", b.limit, count(int(n), "period", "periods"))
	case b.group.Controller() == cgroup.Pids:
		return fmt.Sprintf("%s: %d more refused", b.limit, n)
	}
	text := fmt.Sprintf("%s: came to it %s", b.limit, count(int(n), "time", "times"))
	if b.kills > 0 {
		text += ", " + count(int(b.kills), "process", "processes") + " killed by the kernel for it"
	}
	return text
}

func (a *agent) limit(ctx context.Context, r Request) (Reply, error) {
	if err := r.Limits.check(); err != nil {
		return Reply{}, err
	}
	n, err := a.hold(ctx, r.Node)
	if err != nil {
		return Reply{}, err
	}
	defer n.mu.Unlock()
	for _, name := range r.Limits.resources() {
		delete(n.limits.felt, name)
	}
	n.limits.drop(r.ID)
	n.limits.want = append(n.limits.want, limitWant{r.ID, *r.Limits})
	begin := time.Now()
	if err := n.running(); err != nil {
		return Reply{Pending: true}, fmt.Errorf("%w, it will be limited when it runs", err)
	}
	if err := n.limitAgain(); err != nil {
		n.limits.drop(r.ID)
		return Reply{}, errors.Join(err, n.limitAgain())
	}
	var said []string
	for _, name := range r.Limits.resources() {
		said = append(said, n.limits.inForce[name].limit)
	}
	return Reply{Evidence: strings.Join(said, ", "), Took: time.Since(begin)}, nil
}

func (a *agent) limited(ctx context.Context, r Request) (Reply, error) {
	n, err := a.hold(ctx, r.Node)
	if err != nil {
		return Reply{}, err
	}
	defer n.mu.Unlock()
	i := slices.IndexFunc(n.limits.want, func(w limitWant) bool { return w.id == r.ID })
	if i < 0 {
		return Reply{}, fmt.Errorf("%s is not limited by it", n.name)
	}
	return n.limits.told(n.limits.want[i].resources()), nil
}

// told says how each of the resources was felt to be short.
func (l *limits) told(names []string) Reply {
	var said []string
	least := int64(-1)
	for _, name := range names {
		n, text := l.felt[name], name+": the node is down"
		if b := l.inForce[name]; b != nil {
			b.sample()
			n += b.last - b.base
			text = b.say(n)
		} else if n > 0 {
			text += fmt.Sprintf(", after it was felt %s", count(int(n), "time", "times"))
		}
		said = append(said, text)
		if least < 0 || n < least {
			least = n
		}
	}
	return Reply{Evidence: strings.Join(said, "; "), Number: least}
}

func (a *agent) unlimit(ctx context.Context, r Request) (Reply, error) {
	n, err := a.hold(ctx, r.Node)
	if err != nil {
		return Reply{}, err
	}
	defer n.mu.Unlock()
	i := slices.IndexFunc(n.limits.want, func(w limitWant) bool { return w.id == r.ID })
	if i < 0 {
		return Reply{Evidence: "not limited by it"}, nil
	}
	reply := n.limits.told(n.limits.want[i].resources())
	n.limits.drop(r.ID)
	begin := time.Now()
	if n.running() != nil {
		reply.Evidence += "; the limits ended with its processes"
		return reply, nil
	}
	if err := n.limitAgain(); err != nil {
		return Reply{}, err
	}
	reply.Evidence += "; now as before, read back"
	reply.Took = time.Since(begin)
	return reply, nil
}

// reconcileLimits looks after what is not a group's: processes that have
// appeared since. What failed is tried again after a while.
func (n *node) reconcileLimits() error {
	l := &n.limits
	var err error
	if b := l.inForce[files]; b != nil {
		err = b.files.impose(n)
	}
	if b := l.inForce[memory]; b != nil {
		err = errors.Join(err, b.tighten())
	}
	if err != nil {
		return err
	}
	if len(l.want) == 0 || len(l.inForce) > 0 || time.Now().Before(l.after) {
		return nil
	}
	err = n.limitAgain()
	if err != nil {
		l.after = time.Now().Add(retryAfter)
	}
	return err
}

// memoryEvery is how often it is looked whether the kernel has killed for want
// of memory: more often than a container's groups go after its last process.
const memoryEvery = 5 * time.Millisecond

// watchMemory samples limits that may cost a node its life, and the count.
func (a *agent) watchMemory(ctx context.Context) {
	tick := time.NewTicker(memoryEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		for _, n := range a.all() {
			if !n.mu.TryLock() {
				continue
			}
			for _, b := range n.limits.inForce {
				b.sample()
			}
			n.mu.Unlock()
		}
	}
}
