package fold

import (
	"encoding/json"
	"fmt"

	"github.com/shakedown-dev/shakedown/checkers/say"
	"github.com/shakedown-dev/shakedown/history"
)

// shownValue is how many characters of a value a sentence quotes.
const shownValue = 60

// show quotes a value.
func show(value json.RawMessage) string {
	if len(value) == 0 {
		return "null"
	}
	return say.Cut(string(value), shownValue)
}

// who names the process of an operation and the node that it talked to.
func who(o history.Operation) string {
	if o.Invoke.Node == "" {
		return fmt.Sprintf("process %d", o.Invoke.Process)
	}
	return fmt.Sprintf("process %d through %s", o.Invoke.Process, o.Invoke.Node)
}

// ended says when an operation ended and how, with its event: "acknowledged at
// 1.234s (#5)".
func ended(o history.Operation) string {
	switch {
	case o.Complete == nil:
		return fmt.Sprintf("never completed (#%d)", o.Invoke.Index)
	case o.Type() == history.OK:
		return fmt.Sprintf("acknowledged at %s (#%d)", say.Moment(o.Complete.Time), o.Complete.Index)
	case o.Type() == history.Fail:
		return fmt.Sprintf("failed at %s (#%d)", say.Moment(o.Complete.Time), o.Complete.Index)
	}
	return fmt.Sprintf("outcome unknown (#%d)", o.Complete.Index)
}

// began says when an operation was invoked: "begun at 1.234s (#4)".
func began(o history.Operation) string {
	return fmt.Sprintf("begun at %s (#%d)", say.Moment(o.Start()), o.Invoke.Index)
}
