//go:build linux || darwin || freebsd || netbsd || openbsd

package schemas

import (
	"context"
	"errors"
	"os"
	"syscall"
	"time"
)

// lockFolder holds a file lock until the returned function is called or the
// process ends. While another holds it, it calls waiting once and looks again.
func lockFolder(ctx context.Context, name string, waiting func()) (unlock func(), err error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, diskError(name, err)
	}
	for said := false; ; said = true {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { _ = f.Close() }, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			_ = f.Close()
			return nil, diskError(name, err)
		}
		if !said {
			waiting()
		}
		select {
		case <-ctx.Done():
			_ = f.Close()
			return nil, interrupted(ctx.Err())
		case <-time.After(lockPoll):
		}
	}
}
