package agent

import (
	"context"
	"slices"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

// Whoever gives up waiting, the others pass one at a time and in order.
func TestLaneKeepsOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		impatient := rapid.SliceOfN(rapid.Bool(), 1, 20).Draw(t, "impatient")
		var (
			l      lane
			mu     sync.Mutex
			inside int
			passed []int
			all    sync.WaitGroup
		)
		gate := l.enter() // Keeps the others waiting until all have entered.
		for i, gaveUp := range impatient {
			p := l.enter()
			ctx, cancel := context.WithCancel(context.Background())
			if gaveUp {
				cancel()
			}
			all.Go(func() {
				defer cancel()
				defer p.leave()
				if p.turn(ctx) != nil {
					return
				}
				mu.Lock()
				inside++
				alone := inside == 1
				passed = append(passed, i)
				mu.Unlock()
				if !alone {
					t.Errorf("%d was not alone", i)
				}
				mu.Lock()
				inside--
				mu.Unlock()
			})
		}
		gate.leave()
		all.Wait()
		if !slices.IsSorted(passed) {
			t.Errorf("passed in the order %v", passed)
		}
		for i, gaveUp := range impatient {
			if !gaveUp && !slices.Contains(passed, i) {
				t.Errorf("%d was patient but never passed", i)
			}
		}
	})
}

func TestGivingUpDoesNotLetTheNextOneIn(t *testing.T) {
	var l lane
	first, second, third := l.enter(), l.enter(), l.enter()
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if second.turn(gone) == nil {
		t.Fatal("the second did not have to wait for the first")
	}
	second.leave()
	if third.turn(gone) == nil {
		t.Fatal("the third came in while the first was there")
	}
	first.leave()
	if err := third.turn(t.Context()); err != nil {
		t.Fatal(err)
	}
}
