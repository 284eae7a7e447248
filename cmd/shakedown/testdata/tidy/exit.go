// as runner/offender.go

package runner

import (
	sneaky "log"
	"os"
)

func leave(exit thing) {
	os.Exit(1)           // bad
	sneaky.Fatalf("bye") // bad
	sneaky.Println("hello")
	exit.Exit(1)
}
