package cli

import "math"

// interval is where the true share lies, with a confidence of 95 %, when k of n
// trials had a result: Wilson's score interval (1927), which stays within 0 and
// 1 and holds for few trials. Of no trials nothing is known.
func interval(k, n int) (low, high float64) {
	if n == 0 {
		return 0, 1
	}
	const z = 1.959964 // of a normal distribution, 95 % lie within so many deviations
	trials, share := float64(n), float64(k)/float64(n)
	middle := share + z*z/(2*trials)
	half := z * math.Sqrt(share*(1-share)/trials+z*z/(4*trials*trials))
	whole := 1 + z*z/trials
	return max((middle-half)/whole, 0), min((middle+half)/whole, 1)
}
