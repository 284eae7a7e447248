// as nemesis/offender.go

package nemesis

import "time"

func late(now time.Time) time.Duration {
	_ = time.Since(now)        // bad
	return time.Now().Sub(now) // bad
}
