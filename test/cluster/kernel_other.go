//go:build !linux

package cluster

import (
	"os/exec"
	"syscall"
)

// Other systems have no namespaces. Check returns an error before one of these is called.

func isolated() *syscall.SysProcAttr { return &syscall.SysProcAttr{} }

func makePrivate() error { return errNotLinux }

func mount(string, string) error { return errNotLinux }

func bind(string, string) error { return errNotLinux }

func onOverlay(string) (bool, error) { return false, errNotLinux }

func inNetwork(int, func() error) error { return errNotLinux }

func startInside(int, *exec.Cmd) error { return errNotLinux }
