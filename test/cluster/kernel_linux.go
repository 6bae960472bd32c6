package cluster

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// isolated runs a process as PID 1 of new namespaces. The kernel kills it when the thread that started it ends.
func isolated() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWNET | unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWIPC,
		Pdeathsig:  syscall.SIGKILL,
	}
}

// makePrivate keeps the mounts of this mount namespace out of others.
func makePrivate() error { return unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "") }

// mount mounts a new file system on the folder.
func mount(fstype, target string) error {
	if err := unix.Mount(fstype, target, fstype, 0, ""); err != nil {
		return fmt.Errorf("mounting %s on %s: %w", fstype, target, err)
	}
	return nil
}

// bind mounts one file over another.
func bind(source, target string) error {
	if err := unix.Mount(source, target, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("mounting %s on %s: %w", source, target, err)
	}
	return nil
}

// onOverlay reports whether the folder is on an overlay file system. Another one cannot be mounted on it.
func onOverlay(dir string) (bool, error) {
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		return false, fmt.Errorf("reading the file system of %s: %w", dir, err)
	}
	return fs.Type == unix.OVERLAYFS_SUPER_MAGIC, nil
}

// inNetwork calls the function on a thread in the network namespace of the process. Sockets of the function stay in
// that network.
func inNetwork(pid int, call func() error) error {
	return onThread(func() error {
		if err := enter(pid, "net", unix.CLONE_NEWNET); err != nil {
			return err
		}
		return call()
	})
}

// startInside starts the command in the namespaces of the process.
func startInside(pid int, cmd *exec.Cmd) error {
	return onThread(func() error {
		// setns into a mount namespace requires a thread that does not share its working directory.
		if err := unix.Unshare(unix.CLONE_FS); err != nil {
			return fmt.Errorf("unsharing the working directory: %w", err)
		}
		for _, ns := range []struct {
			name string
			flag int
		}{{"pid", unix.CLONE_NEWPID}, {"ipc", unix.CLONE_NEWIPC}, {"net", unix.CLONE_NEWNET}, {"mnt", unix.CLONE_NEWNS}} {
			if err := enter(pid, ns.name, ns.flag); err != nil {
				return err
			}
		}
		return cmd.Start()
	})
}

// onThread calls the function on a new thread that exits afterwards, because the function changes its namespaces. The
// main thread cannot exit, and represents the process in /proc. If the goroutine gets the main thread, it blocks that
// one and tries another.
func onThread(call func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // without an unlock: the thread exits, because its namespaces have changed
		if unix.Gettid() == unix.Getpid() {
			defer runtime.UnlockOSThread()
			done <- onThread(call)
			return
		}
		done <- call()
	}()
	return <-done
}

// enter moves the thread into a namespace of the process.
func enter(pid int, name string, flag int) (err error) {
	file, err := os.Open("/proc/" + strconv.Itoa(pid) + "/ns/" + name)
	if err != nil {
		return fmt.Errorf("opening the %s namespace: %w", name, err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if err := unix.Setns(int(file.Fd()), flag); err != nil {
		return fmt.Errorf("entering the %s namespace: %w", name, err)
	}
	return nil
}
