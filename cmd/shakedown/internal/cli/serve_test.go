package cli

import (
	"bufio"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

// Without this serve could answer the whole network, or never end.
func TestServeAnswersHereAndEnds(t *testing.T) {
	stdout, out := io.Pipe()
	signals := make(chan os.Signal)
	ended := make(chan int, 1)
	go func() {
		ended <- Main(Env{
			Args: []string{"serve", "--port", "0", "--out", t.TempDir()}, Stdin: strings.NewReader(""), Stdout: out, Stderr: io.Discard,
			Getenv: func(string) string { return "" }, Now: time.Now, Chance: func() uint64 { return 4 }, Signals: signals,
		})
	}()
	url, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(url, "http://127.0.0.1:") {
		t.Errorf("it listens on %s", url)
	}
	answer, err := http.Get(strings.TrimSpace(url))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK || !strings.Contains(string(text), "0 of 0 runs") {
		t.Errorf("it answers %d, %v: %.100s", answer.StatusCode, err, text)
	}
	if err := answer.Body.Close(); err != nil {
		t.Error(err)
	}
	signals <- os.Interrupt
	if code := <-ended; code != 130 {
		t.Errorf("it ends with %d, want 130", code)
	}
}
