//go:build unix

package dropfolder

import "syscall"

func makePipe(name string) error { return syscall.Mkfifo(name, 0o600) }
