package e2e

import (
	"os/exec"
	"syscall"
)

// bound ends a process when the test process ends, however that happens, and runs
// it as another user when uid is not 0.
func bound(cmd *exec.Cmd, uid uint32) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if uid != 0 {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uid, Gid: uid}
	}
}
