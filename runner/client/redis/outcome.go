package redis

import (
	"errors"
	"strings"

	redis "github.com/redis/go-redis/v9"

	"github.com/shakedown-dev/shakedown/runner/client"
)

// effect turns the error of a command that changes something into what is known
// about it. Redis says no in a word at the beginning of its answer, and the
// words below are said before a command is carried out. Every other answer, no
// answer, and a connection that broke mean that nobody knows.
func effect(sent *sentMark, err error) error {
	switch {
	case err == nil:
		return nil
	case !sent.set.Load():
		return client.Refused("not sent: %w", err)
	case refused(err):
		return client.Harmless(err)
	}
	return err
}

// refused reports whether the answer says that the command was not begun.
func refused(err error) bool {
	var said redis.Error
	if !errors.As(err, &said) {
		return false
	}
	word, _, _ := strings.Cut(said.Error(), " ")
	switch word {
	case "READONLY", // this node is a replica
		"LOADING",    // it reads its files
		"MASTERDOWN", // a replica that lost its primary and does not answer from the past
		"NOREPLICAS", // min-replicas-to-write
		"MISCONF",    // it could not save, and takes no writes
		"OOM",        // maxmemory
		"BUSY",       // a script runs
		"EXECABORT",  // a command of the transaction was refused when it was queued
		"NOAUTH", "WRONGPASS", "NOPERM",
		"WRONGTYPE", // what is there is something else
		"CLUSTERDOWN", "MOVED", "ASK", "TRYAGAIN":
		return true
	}
	return false
}
