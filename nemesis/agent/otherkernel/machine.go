//go:build linux

package otherkernel

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const (
	// patience is how long the machine may take, all in all: it is emulated.
	patience = 5 * time.Minute
	// verdict begins the line with which the machine says how the tests ended.
	verdict = "otherkernel: exit "
)

// Test runs the tests of this very program that match a pattern on the kernel
// that [Variable] names, with those modules loaded, and skips where it names
// none. The program must be static, and its TestMain must begin with [Init].
func Test(t *testing.T, pattern string, names ...string) {
	t.Helper()
	kernel := os.Getenv(Variable)
	if kernel == "" {
		t.Skipf("%s names no kernel to try", Variable)
	}
	images, err := filepath.Glob(filepath.Join(kernel, "boot/vmlinuz-*"))
	if err != nil || len(images) != 1 {
		t.Fatalf("kernels in %s: %q, %v", kernel, images, err)
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	files, err := modules(kernel, names)
	if err != nil {
		t.Fatal(err)
	}
	first, err := pack(program, []string{"-test.v", "-test.run", pattern}, files)
	if err != nil {
		t.Fatal(err)
	}
	initrd := filepath.Join(t.TempDir(), "initrd.gz")
	if err := os.WriteFile(initrd, first, 0o600); err != nil {
		t.Fatal(err)
	}
	says, err := boot(t.Context(), images[0], initrd)
	t.Logf("%s:\n%s", filepath.Base(images[0]), says)
	if err != nil || !strings.Contains(says, verdict+"0") {
		t.Errorf("the tests did not pass there: %v", err)
	}
	if !strings.Contains(says, "--- PASS") {
		t.Error("no test ran there")
	}
}

// boot returns what the machine printed until it switched itself off.
func boot(ctx context.Context, image, initrd string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var out bytes.Buffer
	c := exec.CommandContext(ctx, "qemu-system-x86_64", "-m", "1024", "-smp", "2", "-nographic", "-no-reboot",
		"-accel", "tcg,thread=multi", "-nic", "none", "-kernel", image, "-initrd", initrd,
		"-append", "console=ttyS0 quiet panic=-1")
	c.Stdout, c.Stderr = &out, &out
	err := c.Run()
	if ctx.Err() != nil {
		err = errors.Join(err, fmt.Errorf("it took longer than %v", patience))
	}
	return strings.ReplaceAll(out.String(), "\r", ""), err
}
