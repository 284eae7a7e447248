package object

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shakedown-dev/shakedown/checkers/linear"
)

// locks are the models of what one client has at a time.
func locks(o Options) []model {
	return []model{
		{
			Model: Model{"mutex", "acquire (or lock), release (or unlock), by anybody"},
			pick:  always(linear.Mutex), step: stepLock, tell: tellLock, read: readMutex, sharpen: asLock,
		},
		{
			Model: Model{"lock", "acquire, release; the value names the holder, which is the process if there is none"},
			pick:  always(linear.Lock), step: stepLock, tell: tellLock, read: readLock,
		},
		{
			Model: Model{"lease", "acquire or renew, which may say how many seconds it lasts, and release, by each process for itself"},
			pick:  always(linear.Lease), read: readLease(o.TTL),
		},
		{
			Model: Model{"fencing", "acquire (or grant), which is answered with a token, and write (or accept) under a token"},
			pick:  always(linear.Fencing), read: readFencing,
		},
		{
			Model: Model{"semaphore", "acquire or decr, release or incr; one that is answered with false found none"},
			pick:  never, first: strconv.Itoa(o.Permits), step: stepSemaphore, read: readCall,
			tell: func(_ *thing, state string) string { return state + " were left" },
		},
	}
}

func readMutex(t *thing, a *act) error {
	switch a.op.Invoke.F {
	case "acquire", "lock":
		return a.does(linear.Acquire, 0)
	case "release", "unlock":
		return a.does(linear.Release, 0)
	}
	return errStrange
}

// errStrange is for an operation that the model does not have.
var errStrange = errors.New("no such operation")

// asLock: of a mutex that is violated, those who held it at once, if everybody
// gives back what it took itself; that anybody might have, the search knew.
func asLock(ctx context.Context, t *thing) linear.Result {
	ops := make([]linear.Op, len(t.acts))
	for i := range t.acts {
		ops[i] = t.acts[i].lin
		ops[i].Value = t.acts[i].op.Invoke.Process
	}
	r := linear.Judge(ctx, linear.Lock, ops)
	r.Reason = "two held it at once"
	return r
}

func readLock(t *thing, a *act) error {
	holder := t.number(fmt.Appendf(nil, `"process %d"`, a.op.Invoke.Process))
	if given := member(a.given(), "holder"); !isNull(given) {
		holder = t.number(given)
	}
	if err := readMutex(t, a); err != nil {
		return err
	}
	a.lin.Value = holder
	return nil
}

// stepLock has who holds it; nothing if nobody does.
func stepLock(state string, a *act) []string {
	holder := strconv.Itoa(a.lin.Value)
	switch {
	case a.lin.Kind == linear.Acquire && state == "":
		return []string{holder}
	case a.lin.Kind == linear.Release && state == holder:
		return []string{""}
	case a.unknown:
		return []string{state}
	}
	return nil
}

// tellLock names the holder.
func tellLock(t *thing, state string) string {
	switch n, err := strconv.Atoi(state); {
	case err != nil:
		return "nobody had it"
	case n == 0:
		return "somebody had it"
	default:
		return strings.Trim(t.show(n), `"`) + " had it"
	}
}

// readLease: the holder is sure until its time is over, counted from when it
// asked. An answer of false got nothing.
func readLease(usual time.Duration) func(t *thing, a *act) error {
	return func(t *thing, a *act) error {
		a.lin.Value = a.op.Invoke.Process
		switch a.op.Invoke.F {
		case "release":
			a.lin.Kind = linear.Release
			return nil
		case "acquire", "renew":
		default:
			return errStrange
		}
		a.lin.Kind = linear.Acquire
		lasts := usual
		if given := member(a.given(), "seconds"); !isNull(given) {
			var seconds float64
			if err := json.Unmarshal(given, &seconds); err != nil || seconds <= 0 {
				return fmt.Errorf("a lease lasts a number of seconds, not %.40s", given)
			}
			lasts = time.Duration(seconds * float64(time.Second))
		}
		if string(a.answer()) == "false" {
			return errNothing
		}
		if lasts > 0 {
			a.lin.New = t.eventAt(a.op.Start() + lasts)
		}
		return nil
	}
}

// eventAt returns the first event that is not before the time.
func (t *thing) eventAt(at time.Duration) int {
	i, _ := slices.BinarySearch(t.events, int64(at))
	return max(i, 1)
}

func readFencing(t *thing, a *act) error {
	kind := linear.Accept
	value := member(a.given(), "token")
	switch a.op.Invoke.F {
	case "acquire", "grant":
		kind, value = linear.Grant, member(a.answer(), "token")
		if a.unknown {
			return a.does(kind, 0)
		}
	case "write", "accept":
	case "release":
		return errNothing
	default:
		return errStrange
	}
	token, err := integer(value)
	if err != nil {
		return fmt.Errorf("a token must be a number: %w", err)
	}
	return a.does(kind, token)
}

// stepSemaphore: who takes finds at least one.
func stepSemaphore(state string, a *act) []string {
	n, err := strconv.Atoi(state)
	if err != nil {
		return nil
	}
	switch {
	case a.out == "false" && (a.f == "release" || a.f == "incr"):
	case a.f == "release" || a.f == "incr":
		n++
	case a.f != "acquire" && a.f != "decr":
		return nil
	case a.unknown:
		n = max(n-1, 0)
	case a.out == "false":
		if n > 0 {
			return nil
		}
	default:
		n--
	}
	if n < 0 {
		return nil
	}
	return []string{strconv.Itoa(n)}
}
