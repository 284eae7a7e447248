// Command probe is a node that tells, over HTTP, what it sees from inside: its
// clocks, and what it is refused. Its answers are "ok" or the error.
package main

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == "sleep" {
		time.Sleep(time.Minute)
		return
	}
	p := &probe{}
	http.HandleFunc("/clock", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, time.Now().UnixNano())
	})
	http.HandleFunc("/fork", p.answer(fork))
	http.HandleFunc("/open", p.answer(p.open))
	http.HandleFunc("/grow", p.answer(p.grow))
	http.HandleFunc("/work", p.answer(work))
	http.HandleFunc("/write", func(w http.ResponseWriter, r *http.Request) { p.answer(func() error { return write(r, true) })(w, r) })
	http.HandleFunc("/unsynced", func(w http.ResponseWriter, r *http.Request) { p.answer(func() error { return write(r, false) })(w, r) })
	http.HandleFunc("/read", func(w http.ResponseWriter, _ *http.Request) {
		text, err := os.ReadFile("/data/file")
		if err != nil {
			fmt.Fprint(w, err)
			return
		}
		w.Write(text)
	})
	fmt.Println("listening")
	fmt.Fprintln(os.Stderr, http.ListenAndServe(":8080", nil))
	os.Exit(1)
}

type probe struct {
	mu     sync.Mutex
	memory [][]byte
}

func (p *probe) answer(do func() error) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		if err := do(); err != nil {
			fmt.Fprint(w, err)
			return
		}
		fmt.Fprint(w, "ok")
	}
}

// fork starts children until it is refused, and ends them.
func fork() (err error) {
	var all []*exec.Cmd
	for range 30 {
		c := exec.Command(os.Args[0], "sleep")
		if err = c.Start(); err != nil {
			break
		}
		all = append(all, c)
	}
	for _, c := range all {
		_ = c.Process.Kill() // It sleeps.
		_ = c.Wait()         // It was killed.
	}
	return err
}

// open opens files until it is refused, and holds them for a while.
func (p *probe) open() error {
	var all []int
	defer func() {
		for _, fd := range all {
			syscall.Close(fd)
		}
	}()
	for range 200 {
		fd, err := syscall.Open(os.Args[0], syscall.O_RDONLY, 0)
		if err != nil {
			time.Sleep(200 * time.Millisecond)
			return err
		}
		all = append(all, fd)
	}
	return nil
}

// grow takes eight mebibytes and touches every page.
func (p *probe) grow() error {
	m := make([]byte, 8<<20)
	for i := 0; i < len(m); i += 4096 {
		m[i] = 1
	}
	p.memory = append(p.memory, m)
	return nil
}

// write writes the text that is asked for over the file, or 64 KiB into another
// one, and syncs it or does not.
func write(r *http.Request, sync bool) error {
	name, text := "/data/file", r.FormValue("text")
	if text == "" {
		name, text = fmt.Sprintf("/data/more-%d", time.Now().UnixNano()), strings.Repeat("x", 64<<10)
	}
	f, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte(text), 0); err != nil {
		return err
	}
	if !sync {
		return nil
	}
	if err := f.Truncate(int64(len(text))); err != nil {
		return err
	}
	return f.Sync()
}

// work uses 50 ms of the processor.
func work() error {
	var r syscall.Rusage
	used := func() int64 {
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
			return 1 << 62
		}
		return r.Utime.Nano() + r.Stime.Nano()
	}
	for begin := used(); used()-begin < int64(50*time.Millisecond); {
	}
	return nil
}
