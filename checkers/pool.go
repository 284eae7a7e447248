package checkers

import (
	"sync"
	"sync/atomic"
)

// Each calls do for 0 to n-1, begun in this order, at most width at a time,
// and returns when all are done. do must not panic.
func Each(n, width int, do func(i int)) {
	var next atomic.Int64
	var workers sync.WaitGroup
	for range min(n, width) {
		workers.Go(func() {
			for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
				do(int(i))
			}
		})
	}
	workers.Wait()
}
