// Package otherkernel runs a package's tests on a kernel that this machine does
// not have, in an emulated machine: qemu boots the kernel with the test program
// as its only process. It is for tests only.
//
// The environment variable [Variable] names a folder with the unpacked contents
// of a kernel's package of Debian:
//
//	apt-get download linux-image-6.1.0-56-cloud-amd64
//	dpkg-deb -x linux-image-*.deb kernel
//	SHAKEDOWN_OTHER_KERNEL=$PWD/kernel CGO_ENABLED=0 go test -run TestOnAnotherKernel ./nemesis/agent/...
package otherkernel

// Variable is the environment variable that names the kernel.
const Variable = "SHAKEDOWN_OTHER_KERNEL"
