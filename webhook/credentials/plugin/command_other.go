//go:build !unix

package plugin

import "os/exec"

// setProcessGroup does nothing: this system has no process groups. Pullgate does not run in clusters there.
func setProcessGroup(*exec.Cmd) {}

func killProcessGroup(cmd *exec.Cmd) error { return cmd.Process.Kill() }
