//go:build faults

package main

import (
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
)

// killProbe kills the process, as a power cut would, when it has come to the
// step that FACTEUR_KILL_AT names for the given time: "delivery.after_send:3".
func killProbe(getenv func(string) string) func(string) {
	step, count, _ := strings.Cut(getenv("FACTEUR_KILL_AT"), ":")
	n, err := strconv.ParseInt(count, 10, 64)
	if err != nil {
		return nil
	}
	var left atomic.Int64
	left.Store(n)
	return func(reached string) {
		if reached == step && left.Add(-1) == 0 {
			if err := syscall.Kill(os.Getpid(), syscall.SIGKILL); err != nil {
				panic(err)
			}
			select {} // the signal is on its way
		}
	}
}
