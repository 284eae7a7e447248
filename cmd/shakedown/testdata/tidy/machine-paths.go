// as runner/offender.go

package runner

const (
	bad  = "/home/somebody/x" // bad
	good = "/var/run/docker.sock"
)
