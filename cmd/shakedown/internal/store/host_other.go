//go:build !linux

package store

func kernelAndMemory() (kernel string, memory int64) { return "", 0 }
