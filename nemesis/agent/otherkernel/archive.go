//go:build linux

package otherkernel

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// An archive is what the kernel unpacks as its first file system: cpio in its
// "newc" form.
type archive struct {
	to     io.Writer
	number int
	err    error
}

// Kinds of files, as in a mode.
const (
	isDir  = 0o040000
	isFile = 0o100000
)

func (a *archive) add(name string, mode int, data []byte) {
	if a.err != nil {
		return
	}
	a.number++
	head := fmt.Sprintf("070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%s\x00",
		a.number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name)+1, 0, name)
	for _, part := range [][]byte{[]byte(head), data} {
		part = append(part, make([]byte, -len(part)&3)...)
		if _, err := a.to.Write(part); err != nil {
			a.err = err
		}
	}
}

// pack makes the first file system: the program as /init, its arguments, and
// modules in the order in which to load them.
func pack(program string, arguments, modules []string) ([]byte, error) {
	var packed bytes.Buffer
	z, err := gzip.NewWriterLevel(&packed, gzip.BestSpeed)
	if err != nil {
		return nil, err
	}
	a := &archive{to: z}
	for _, dir := range []string{"dev", "proc", "sys", "tmp", "modules"} {
		a.add(dir, isDir|0o777, nil)
	}
	contents, err := os.ReadFile(program)
	if err != nil {
		return nil, err
	}
	a.add("init", isFile|0o755, contents)
	a.add("arguments", isFile|0o644, []byte(strings.Join(arguments, "\n")))
	for i, path := range modules {
		module, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		a.add(fmt.Sprintf("modules/%03d-%s", i, filepath.Base(path)), isFile|0o644, module)
	}
	a.add("TRAILER!!!", 0, nil)
	if err := errors.Join(a.err, z.Close()); err != nil {
		return nil, err
	}
	return packed.Bytes(), nil
}
