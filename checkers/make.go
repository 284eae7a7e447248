package checkers

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"
)

// LinearizableModels returns the models that [Linearizable] knows.
func LinearizableModels() []string { return modelNames() }

// RegisterOptions are what [Linearizable] may be told about registers.
type RegisterOptions struct {
	// Initial are the values, as JSON, of which every register held one at
	// first; empty means null, which is that it was absent. Each key may have
	// begun with any of them.
	Initial []string
	// NullUnknown says that a read of null saw nothing, rather than that the
	// register was absent. Knossos means it so.
	NullUnknown bool
	// CASRefuses says that a compare-and-set that failed had found another
	// value than it expected. Without it, it just did not happen.
	CASRefuses bool
}

// Linearizable decides whether every operation took effect at one moment
// between its invocation and its completion, key by key. The model is one of
// [LinearizableModels]; another is an error. Package object has other models.
func Linearizable(modelName string, o RegisterOptions) (Checker, error) {
	m, err := modelNamed(modelName)
	if err != nil {
		return nil, err
	}
	return linearizable{model: m, options: o}, nil
}

func modelNamed(name string) (model, error) {
	for _, m := range models() {
		if m.name == name {
			return m, nil
		}
	}
	return model{}, fmt.Errorf("unknown model %q; known: %s", name, strings.Join(modelNames(), ", "))
}

// Stats counts how operations ended; Unknown if a kind of them never succeeded.
func Stats() Checker { return stats{} }

// Earned decides whether the run was a real test: the history is whole, at
// least okAtLeast operations were ok, all final reads came and, if everyFault,
// every planned fault was seen to bite. A negative okAtLeast is an error.
func Earned(okAtLeast int, everyFault bool) (Checker, error) {
	if okAtLeast < 0 {
		return nil, fmt.Errorf("ok_at_least is %d; it cannot be negative", okAtLeast)
	}
	return earned{okAtLeast: okAtLeast, everyFault: everyFault}, nil
}

// Recovery decides whether every node served again within that time after the
// last heal. A time that is not positive is an error.
func Recovery(within time.Duration) (Checker, error) {
	if within <= 0 {
		return nil, errors.New(`within must say how long recovery may take, for example "15s"`)
	}
	return recovery{within: within}, nil
}

// Logs decides whether none of the nodes' files, such as <node>/stdout.log and
// <node>/stderr.log, holds a forbidden string. Files may be nil: there are none
// then, and the verdict is Unknown. No string, or an empty one, is an error.
func Logs(forbid []string, files fs.FS) (Checker, error) {
	if len(forbid) == 0 || slices.Contains(forbid, "") {
		return nil, errors.New(`forbid must list the strings to look for, for example ["panic:"], and none may be empty`)
	}
	return logs{forbid: forbid, files: files}, nil
}
