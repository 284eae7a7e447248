// as runner/offender.go

package runner

import (
	"fmt"
	"io"
)

func speak(w io.Writer) string {
	fmt.Println("hello") // bad
	fmt.Printf("hello")  // bad
	fmt.Fprintln(w, "hello")
	return fmt.Sprint("hello")
}
