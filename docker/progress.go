package docker

import (
	"fmt"
	"time"
)

// sayEvery is how often what takes long says that it goes on.
const sayEvery = 10 * time.Second

// sayMeanwhile says what is being done at once, and then now and again with
// how far it is and for how long, until stop is called.
func sayMeanwhile(progress func(string), doing string, soFar func() string) (stop func()) {
	progress(doing)
	began, done, ended := time.Now(), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(sayEvery)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case now := <-tick.C:
				progress(fmt.Sprintf("%s%s (%s)", doing, soFar(), now.Sub(began).Round(time.Second)))
			}
		}
	}()
	return func() { close(done); <-ended }
}
