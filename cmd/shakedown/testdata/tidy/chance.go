// as runner/offender.go

package runner

import (
	old "math/rand" // bad
	"math/rand/v2"
)

func dice(own *rand.Rand) int {
	fair := rand.New(rand.NewPCG(1, 2))
	return fair.IntN(6) + own.IntN(6) + rand.IntN(6) + old.Int() // bad
}
