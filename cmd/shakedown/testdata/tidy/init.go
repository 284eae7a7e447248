// as runner/offender.go

package runner

type thing struct{}

func (thing) init() {}

func init() {} // bad
