package catalog

import (
	"errors"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/checkers/fold"
)

// service are the checks of how the system served, whatever it answered, and
// of whether it was a test at all.
func service() []entry {
	calm := Option{"calm", "true: leave out operations during which a fault may have been in force"}
	return []entry{
		{
			Known: Known{Name: "convergence", Says: "all nodes answer alike after the storm", Options: []Option{
				{"unordered", "true: arrays with the same elements in another order are alike"},
			}},
			make: told(func(r *request) checkers.Checker {
				return fold.Convergence(fold.ConvergenceOptions{Unordered: r.flag("unordered")})
			}),
			timed: true,
		},
		{
			Known: Known{Name: "stats", Says: "how operations ended, by kind and by node; unknown if a kind never succeeded"},
			make:  always(checkers.Stats),
		},
		{
			Known: Known{Name: "earned", Says: "the run was a real test: faults bit, operations succeeded, final reads came, the history is whole", Options: []Option{
				{"ok_at_least", "how many operations must be ok"},
				{"every_fault_took_hold", "true: every planned fault must have been seen to bite"},
			}},
			make: func(r *request) (checkers.Checker, error) {
				return checkers.Earned(r.integer("ok_at_least"), r.flag("every_fault_took_hold"))
			},
		},
		{
			Known: Known{Name: "recovery", Says: "every node serves again within a time after the last heal", Options: []Option{
				{"within", "how long each node may take, as in 15s"},
			}},
			make:  func(r *request) (checkers.Checker, error) { return checkers.Recovery(r.duration("within")) },
			timed: true,
		},
		{
			Known: Known{Name: "availability", Says: "nodes serve again soon after each heal, and enough operations succeed", Options: []Option{
				{"within", "how long each node that was hurt may take after each heal, as in 5s"},
				{"ok_share", "the least share of operations that must end ok, as in 0.999"},
				{"ok_fail", "a kind of operation for which to fail is an answer, as in cas; may be repeated"},
				calm,
			}},
			make: availability, timed: true,
		},
		{
			Known: Known{Name: "latency", Says: "operations end as soon as was promised", Options: []Option{
				{"max", "how long operations may take, as in 100ms"},
				{"quantile", "the share of operations that must keep to it, as in 0.99; by itself all must"},
				{"f", "the kind of operation that it is about, as in read; by itself all are"},
				calm,
			}},
			make: latency, timed: true,
		},
		{
			Known: Known{Name: "logs", Says: "no node's log holds a forbidden string", Options: []Option{
				{"forbid", "a string that no line may hold; may be repeated"},
			}},
			make: func(r *request) (checkers.Checker, error) { return checkers.Logs(r.all("forbid"), r.Logs) },
		},
	}
}

func availability(r *request) (checkers.Checker, error) {
	o := fold.AvailabilityOptions{
		Within: r.duration("within"), OKShare: r.share("ok_share"), OKFails: r.all("ok_fail"), Calm: r.flag("calm"),
	}
	if o.Within == 0 && o.OKShare == 0 {
		return nil, errors.New(`within or ok_share must say what was promised, for example "5s" or "0.999"`)
	}
	return fold.Availability(o), nil
}

func latency(r *request) (checkers.Checker, error) {
	t := fold.Threshold{F: r.text("f"), Quantile: r.share("quantile"), Max: r.duration("max"), Calm: r.flag("calm")}
	if t.Max == 0 {
		return nil, errors.New(`max must say how long operations may take, for example "100ms"`)
	}
	return fold.Latency(t), nil
}
