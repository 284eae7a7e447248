package progress

import (
	"io"
	"sync"
	"time"

	"github.com/shakedown-dev/shakedown/runner"
)

// redrawEvery is how often the picture changes by itself: times that pass.
const redrawEvery = 100 * time.Millisecond

// A Live shows a run as a block at the bottom of a terminal; its events scroll
// by above.
type Live struct {
	screen *Screen
	now    Clock
	colour bool

	mu    sync.Mutex
	board *Board
	stop  chan struct{}
	done  sync.WaitGroup
}

// NewLive shows runs on the screen.
func NewLive(s *Screen, now Clock, colour bool) *Live {
	return &Live{screen: s, now: now, colour: colour}
}

// Begin draws the first picture, and goes on drawing until End.
func (l *Live) Begin(r Run) {
	l.mu.Lock()
	l.board, l.stop = NewBoard(r, l.now()), make(chan struct{})
	stop := l.stop
	l.mu.Unlock()
	l.draw()
	l.done.Go(func() {
		tick := time.NewTicker(redrawEvery)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				l.draw()
			case <-stop:
				return
			}
		}
	})
}

// Event lets the event scroll by, and takes it into the picture. The counts of
// operations are in the picture already.
func (l *Live) Event(e runner.Event) {
	l.mu.Lock()
	l.board.Event(e, l.now())
	l.mu.Unlock()
	if e.Kind != "ops" {
		_, _ = io.WriteString(l.screen, line(e, l.colour)+"\n")
	}
}

// Reading takes a reading into the picture.
func (l *Live) Reading(r runner.Reading) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.board.Reading(r)
}

// End takes the picture away.
func (l *Live) End(Ending) {
	close(l.stop)
	l.done.Wait()
	l.screen.Clear()
}

func (l *Live) draw() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.screen.Show(l.board.Lines(l.now(), l.colour))
}
