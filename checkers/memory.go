package checkers

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"

	"github.com/shakedown-dev/shakedown/history"
)

// watchEvery is how often we look how much memory is in use.
const watchEvery = 20 * time.Millisecond

// outOfMemory is why a check was stopped that needed too much.
type outOfMemory struct{}

// Error says so.
func (outOfMemory) Error() string { return "memory ran out" }

// RunWithin is [Run] with a limit on the memory of the whole program, in bytes;
// 0 means none. Who takes what cannot be told while checks run side by side. So
// when they go beyond the limit together, all that are still running are
// stopped, and then each has another try alone. One that goes beyond it even so
// is Unknown, and the others are as right as ever.
func RunWithin(ctx context.Context, h *history.History, all []Checker, limit uint64) Summary {
	if limit == 0 {
		return Run(ctx, h, all)
	}
	if err := h.Validate(); err != nil {
		return Run(ctx, h, all)
	}
	results, stopped := make([]Result, len(all)), make([]bool, len(all))
	together, done := watch(ctx, limit)
	Each(len(all), runtime.GOMAXPROCS(0), func(i int) {
		results[i] = guarded(together, h, all[i])
		stopped[i] = results[i].Verdict == Unknown && outOf(together)
	})
	done()
	for i, c := range all {
		if !stopped[i] || ctx.Err() != nil {
			continue
		}
		debug.FreeOSMemory() // what the others left
		alone, done := watch(ctx, limit)
		results[i] = guarded(alone, h, c)
		if results[i].Verdict == Unknown && outOf(alone) {
			results[i].Says = append([]string{fmt.Sprintf("The check was stopped because it needed more memory than the %d MiB there are.", limit>>20)}, results[i].Says...)
		}
		done()
	}
	return summarize(results)
}

// watch returns a context that is done, for [outOfMemory], once more memory
// is in use than limit. done ends the watching, and waits for it.
func watch(ctx context.Context, limit uint64) (watched context.Context, done func()) {
	watched, cancel := context.WithCancelCause(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		ticker := time.NewTicker(watchEvery)
		defer ticker.Stop()
		for {
			select {
			case <-watched.Done():
				return
			case <-ticker.C:
				if inUse() > limit {
					cancel(outOfMemory{})
				}
			}
		}
	}()
	return watched, func() {
		cancel(nil)
		<-ended
	}
}

// inUse is how many bytes are allocated that are not known to be garbage.
func inUse() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	if sample[0].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return sample[0].Value.Uint64()
}

// outOf reports whether the context is done for want of memory.
func outOf(ctx context.Context) bool {
	_, memory := context.Cause(ctx).(outOfMemory)
	return memory
}
