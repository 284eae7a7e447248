//go:build !linux

package agent

import (
	"context"
	"errors"
	"io"
	"runtime"
)

// Serve returns an error: nodes can only be hurt from Linux.
func Serve(context.Context, io.Reader, io.Writer) error { return errElsewhere() }

// ProbeChild returns an error, as Serve does.
func ProbeChild(context.Context, io.Reader, io.Writer) error { return errElsewhere() }

// Abilities answers that nothing can be done here.
func Abilities(context.Context, bool) []Ability {
	var all []Ability
	for _, fault := range []string{"partition", "kill", "pause", "clock", "resources", "latency", "connections", "dns"} {
		all = append(all, Ability{
			Fault: fault, Detail: errElsewhere().Error(),
			Hint: "the agent runs beside the docker engine, on Linux; ask it there",
		})
	}
	return all
}

func errElsewhere() error {
	return errors.New("the agent runs on Linux only, not on " + runtime.GOOS)
}
