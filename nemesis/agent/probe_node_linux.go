package agent

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/shakedown-dev/shakedown/nemesis/agent/cgroup"
	"github.com/shakedown-dev/shakedown/nemesis/agent/vdso"
)

// An attemptAt is an ability, and how it is tried.
type attemptAt struct {
	ability Ability
	try     func(context.Context) (backend, detail string, err error)
}

// nodeTries are those of faults of a node and its processes.
func nodeTries() []attemptAt {
	const groups = "run as root, with the host's /sys/fs/cgroup mounted writable and its cgroup namespace"
	resource := func(controller string, limits Limits) attemptAt {
		return attemptAt{Ability{Fault: "resources", Backend: controller + " controller",
			Hint: groups + ", on a kernel with the controller " + controller}, tryGroupLimit(controller, limits)}
	}
	return []attemptAt{
		{Ability{Fault: "kill", Backend: "pidfd",
			Hint: "run as root with CAP_KILL, on Linux 5.3 or later"}, tryKill},
		{Ability{Fault: "kill", Backend: "pidfd, how: stop and process",
			Hint: "run as root with CAP_KILL, on Linux 5.3 or later"}, tryStop},
		{Ability{Fault: "pause", Backend: "freezer", Hint: groups}, tryPause},
		{Ability{Fault: "pause", Backend: "SIGSTOP", Hint: "run as root with CAP_KILL, on Linux 5.3 or later"}, trySigstop},
		{Ability{Fault: "clock", Backend: "vDSO patch",
			Hint: "run as root on x86-64 or arm64 with CAP_SYS_PTRACE and without a seccomp profile"}, tryClock},
		{Ability{Fault: "clock", Backend: "vDSO patch, strobe, drift, freeze and clocks",
			Hint: "run as root on x86-64 or arm64 with CAP_SYS_PTRACE and without a seccomp profile"}, tryClocks},
		resource(cgroup.CPU, Limits{CPUs: 0.1}),
		resource(cgroup.Memory, Limits{Memory: 64 << 20}),
		resource(cgroup.Pids, Limits{Pids: 100}),
		{Ability{Fault: "resources", Backend: "prlimit",
			Hint: "run as root with CAP_SETUID and CAP_SETGID"}, tryFileLimit},
	}
}

// onGuineaPig tries something on a throw-away process, registered as a node.
func onGuineaPig(ctx context.Context, try func(*guineaPig) (string, error)) (backend, detail string, err error) {
	p, err := newGuineaPig(ctx)
	if err != nil {
		return "", "", err
	}
	defer func() { err = errors.Join(err, p.end()) }()
	if err := p.register(ctx); err != nil {
		return "", "", err
	}
	detail, err = try(p)
	return "", detail, err
}

func tryKill(ctx context.Context) (backend, detail string, err error) {
	return onGuineaPig(ctx, func(p *guineaPig) (string, error) {
		evidence, err := p.node(ctx, Request{Do: Kill})
		return "a throw-away process: " + evidence, err
	})
}

func tryStop(ctx context.Context) (backend, detail string, err error) {
	return onGuineaPig(ctx, func(p *guineaPig) (string, error) {
		evidence, err := p.node(ctx, Request{Do: Stop, Process: "probe-child"})
		if err != nil {
			return "", err
		}
		for {
			r, err := p.agent.do(ctx, Request{Do: Stopped, ID: "probe", Node: "probe"})
			if err != nil || r.Number == 0 {
				return evidence + ": " + r.Evidence, err
			}
			if !sleep(ctx, time.Millisecond) {
				return "", errors.New("a throw-away process does not heed SIGTERM")
			}
		}
	})
}

// sleep is false if ctx ended before.
func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

func trySigstop(ctx context.Context) (backend, detail string, err error) {
	return onGuineaPig(ctx, func(p *guineaPig) (string, error) {
		evidence, err := p.node(ctx, Request{Do: Freeze, How: BySigstop})
		if err != nil {
			return "", err
		}
		if _, err = p.node(ctx, Request{Do: Thaw}); err == nil {
			_, err = p.now() // It goes on.
		}
		return "a throw-away process: " + evidence + ", then let go", err
	})
}

// tryClocks shows a throw-away process every other kind of clock, and reads
// back each.
func tryClocks(ctx context.Context) (backend, detail string, err error) {
	return onGuineaPig(ctx, func(p *guineaPig) (string, error) {
		var last Reply
		for _, c := range []Clock{
			{Offset: time.Hour, Period: time.Second}, {Rate: vdso.PerBillion / 10}, {Rate: vdso.Still},
			{Offset: time.Hour, Clocks: []string{"monotonic", "boottime"}},
		} {
			var err error
			last, err = p.agent.do(ctx, Request{Do: SetClock, ID: "probe", Node: "probe", Clock: &c})
			if err == nil && (last.Clock == nil || !last.Clock.Same(c)) {
				err = fmt.Errorf("a throw-away process that was to be shown a %s reads back as: %s", c, last.Evidence)
			}
			if err != nil {
				return "", err
			}
		}
		_, err := p.node(ctx, Request{Do: ResetClock})
		return "each was read back from a throw-away process, at last: " + last.Evidence, errors.Join(err, p.off(0))
	})
}

// tryGroupLimit limits a throw-away process in a group of its own, and takes
// the limit back.
func tryGroupLimit(controller string, limits Limits) func(context.Context) (string, string, error) {
	return func(ctx context.Context) (backend, detail string, err error) {
		p, err := newGuineaPig(ctx)
		if err != nil {
			return "", "", err
		}
		group, err := cgroup.Make(os.Getpid(), controller, fmt.Sprintf("shakedown-probe-%d", p.Process.Pid))
		if err != nil {
			return "", "", errors.Join(err, p.end())
		}
		defer func() { err = errors.Join(err, p.end(), group.Remove()) }()
		backend = fmt.Sprintf("%s controller, cgroup v%d", controller, group.Version)
		if err := errors.Join(group.Add(p.Process.Pid), p.register(ctx)); err != nil {
			return backend, "", err
		}
		detail, err = p.limit(ctx, limits)
		return backend, detail, err
	}
}

func tryFileLimit(ctx context.Context) (backend, detail string, err error) {
	return onGuineaPig(ctx, func(p *guineaPig) (string, error) { return p.limit(ctx, Limits{Files: 40}) })
}

func (p *guineaPig) limit(ctx context.Context, limits Limits) (string, error) {
	evidence, err := p.node(ctx, Request{Do: Limit, Limits: &limits})
	if err != nil {
		return "", err
	}
	_, err = p.node(ctx, Request{Do: Unlimit})
	return "a throw-away process was limited to " + evidence + ", then as before, read back", err
}
