package catalog

import (
	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/checkers/fold"
)

// objects are the checks of sets, queues, counters and the like.
func objects() []entry {
	return []entry{
		{
			Known: Known{Name: "set", Says: "a set that only grows still holds, in the end, what was put into it"},
			make:  always(fold.Set), timed: true,
		},
		{
			Known: Known{Name: "set-full", Says: "no element of a set that only grows is ever lost, doubled or out of nowhere", Options: []Option{
				{"linearizable", "true: an element must be in every read once it is known"},
			}},
			make: told(func(r *request) checkers.Checker {
				return fold.SetFull(fold.SetFullOptions{Linearizable: r.flag("linearizable")})
			}),
			timed: true,
		},
		{
			Known: Known{Name: "total-queue", Says: "what goes into a queue comes out of it", Options: []Option{
				{"once", "true: no message may be delivered twice"},
				{"fifo", "true: messages must be delivered in the order in which they were put in"},
			}},
			make: told(func(r *request) checkers.Checker {
				return fold.TotalQueue(fold.TotalQueueOptions{Once: r.flag("once"), FIFO: r.flag("fifo")})
			}),
			timed: true,
		},
		{
			Known: Known{Name: "counter", Says: "reads of a counter lie within what the additions allow", Options: []Option{
				{"session", "true: no process may read less than it did before"},
				{"realtime", "true: no read may yield less than one that had ended before it began"},
			}},
			make: told(func(r *request) checkers.Checker {
				return fold.Counter(fold.CounterOptions{Session: r.flag("session"), Realtime: r.flag("realtime")})
			}),
			timed: true,
		},
		{
			Known: Known{Name: "unique-ids", Says: "generated identifiers are all different"},
			make:  always(fold.UniqueIDs),
		},
		{
			Known: Known{Name: "log", Says: "partitioned logs such as Kafka's keep every message, in one order, for every consumer", Options: []Option{
				{"rebalanced", "true: consumers may skip messages or get them again from one operation to the next"},
				{"write_order", "true: two transactions write in the same order to every log"},
				{"max_lag", "how far a poll may lag behind, as in 5s"},
			}},
			make: told(func(r *request) checkers.Checker {
				return fold.Log(fold.LogOptions{Rebalanced: r.flag("rebalanced"), WriteOrder: r.flag("write_order"), MaxLag: r.duration("max_lag")})
			}),
			timed: true,
		},
		{
			Known: Known{Name: "leader", Says: "there is at most one leader in each term", Options: []Option{
				{"forward", "true: a node may not answer with a smaller term than before"},
			}},
			make: told(func(r *request) checkers.Checker {
				return fold.Leader(fold.LeaderOptions{Forward: r.flag("forward")})
			}),
			timed: true,
		},
	}
}
