package catalog

import (
	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/checkers/fold"
	"github.com/shakedown-dev/shakedown/checkers/txn"
)

// transactions are the checks of what several operations did as one.
func transactions() []entry {
	levels := txn.Levels()
	anyInitial := Option{"any_initial", "true: the history is cut out of a longer one, so a key may begin with a value that nobody wrote"}
	return []entry{
		{
			Known: Known{Name: "list-append", Says: "transactions that append to lists and read them keep the isolation level",
				Levels: levels, Options: []Option{anyInitial}},
			make: told(func(r *request) checkers.Checker {
				return txn.ListAppend(txn.Options{Level: r.Isolation, AnyInitial: r.flag("any_initial")})
			}),
		},
		{
			Known: Known{Name: "rw-register", Says: "transactions that write and read registers keep the isolation level", Levels: levels, Options: []Option{
				{"sequential_keys", "true: every single register is known to be sequentially consistent"},
				{"linearizable_keys", "true: every single register is known to be linearizable"},
				anyInitial,
				{"no_sessions", "true: read-committed, read-atomic and causal mean nothing about the order within a process"},
			}},
			make: told(func(r *request) checkers.Checker {
				return txn.RWRegister(txn.Options{
					Level: r.Isolation, AnyInitial: r.flag("any_initial"), SequentialKeys: r.flag("sequential_keys"),
					LinearizableKeys: r.flag("linearizable_keys"), NoSessions: r.flag("no_sessions"),
				})
			}),
		},
		{
			Known: Known{Name: "bank", Says: "transfers between accounts keep the money together", Options: []Option{
				{"initial", `the balances at the beginning, as in {"a": 10, "b": 0}`},
				{"negative_allowed", "true: a balance may be less than 0"},
			}},
			make: told(func(r *request) checkers.Checker {
				return fold.Bank(fold.BankOptions{Initial: r.amounts("initial"), NegativeAllowed: r.flag("negative_allowed")})
			}),
			timed: true,
		},
		{
			Known: Known{Name: "long-fork", Says: "no two reads saw two writes in opposite orders"},
			make:  always(fold.LongFork), timed: true,
		},
		{
			Known: Known{Name: "write-skew", Says: "no two transactions that each made sure the other had not happened both committed"},
			make:  always(fold.WriteSkew), timed: true,
		},
		{
			Known: Known{Name: "monotonic", Says: "the database's timestamps order transactions as they saw each other", Options: []Option{
				{"by_process", "true: only the rows of each process must be in order"},
			}},
			make: told(func(r *request) checkers.Checker {
				return fold.Monotonic(fold.MonotonicOptions{ByProcess: r.flag("by_process")})
			}),
			timed: true,
		},
	}
}
