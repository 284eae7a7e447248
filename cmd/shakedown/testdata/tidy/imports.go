// as checkers/offender.go

package checkers

import (
	"fmt"

	"github.com/anishathalye/porcupine"
	"github.com/docker/docker/client" // bad

	"github.com/shakedown-dev/shakedown/checkers/inner"
	"github.com/shakedown-dev/shakedown/history"
	"github.com/shakedown-dev/shakedown/runner"        // bad
	"github.com/shakedown-dev/shakedown/runner/client" // bad
)
