package checkers

import (
	"context"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
)

// TestDecideAgainstPorcupine compares what decide says with porcupine on the
// same histories as they are.
func TestDecideAgainstPorcupine(t *testing.T) {
	each := 4000
	if n, err := strconv.Atoi(os.Getenv("SHAKEDOWN_HISTORIES")); err == nil {
		each = n
	}
	for name, s := range small() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			engines := map[string]int{}
			for seed := range uint64(each) {
				h := randomHistory(rand.New(rand.NewPCG(seed, uint64(100+len(name)))), s)
				r := registers(h, linearizable{model: model{cas: true}}, null)[0]
				want, _ := search(context.Background(), r.accesses)
				got, engine, _ := decide(context.Background(), r.accesses)
				if got != want {
					t.Fatalf("seed %d: %v by %s, porcupine says %v\n%s", seed, got, engine, want, dump(h))
				}
				engines[engine]++
			}
			if most := map[bool]string{true: "zones", false: "search"}[s.values == 0]; engines[most] < each/2 {
				t.Errorf("%v: %s decided too little", engines, most)
			}
		})
	}
}

// TestDecideInTime: without time nothing is decided, and nothing claims to have.
func TestDecideInTime(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	r := registers(hard(), linearizable{}, null)[0]
	if verdict, engine, reason := decide(ctx, r.accesses); verdict != Unknown || engine != "" || reason != outOfTime {
		t.Errorf("%v %q %q", verdict, engine, reason)
	}
}
