package e2e

import (
	"os/exec"
	"syscall"
)

// bound ends a process when the test process ends, however that happens.
func bound(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
