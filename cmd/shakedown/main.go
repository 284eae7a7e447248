// Command shakedown starts a real cluster, hurts it while clients work, and
// judges, with evidence, whether the system kept its promises.
//
// This package only joins the others: catalog.go names everything that a
// scenario can use, package cli holds the commands.
package main

import (
	"math/rand/v2"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/shakedown-dev/shakedown/cmd/shakedown/internal/cli"
)

func main() {
	cli.KeepWithin(os.Getenv)
	signals := make(chan os.Signal, 2) // room for the second one, which leaves at once
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	seconds := time.Now().UnixNano()
	chance := rand.New(rand.NewPCG(uint64(seconds), uint64(os.Getpid())))
	os.Exit(cli.Main(cli.Env{
		Args: os.Args[1:], Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		Getenv: os.Getenv, Now: time.Now, Chance: chance.Uint64,
		Signals: signals, Catalog: catalog(),
	}))
}
