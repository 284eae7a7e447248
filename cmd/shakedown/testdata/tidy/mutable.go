// as runner/offender.go

package runner

import (
	"embed"
	"errors"
	"regexp"
)

// ErrGood is an error.
var ErrGood = errors.New("good")

var pattern = regexp.MustCompile("good")

//go:embed offender.go
var files embed.FS

var _ error = (*thing)(nil)

var counter int // bad

var (
	table  = map[string]int{} // bad
	list   = []string{"a"}    // bad
	made   = newThing()       // bad
	nearly = errors.Join(nil) // bad
)
