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

// isolated gives a process namespaces of its own, as their process 1, and ends it when the thread ends that starts it.
func isolated() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWNET | unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWIPC,
		Pdeathsig:  syscall.SIGKILL,
	}
}

// makePrivate keeps mounts made here from showing anywhere else.
func makePrivate() error { return unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "") }

// mount puts a new file system on the folder.
func mount(fstype, target string) error {
	if err := unix.Mount(fstype, target, fstype, 0, ""); err != nil {
		return fmt.Errorf("mounting %s on %s: %w", fstype, target, err)
	}
	return nil
}

// bind puts one file in place of another.
func bind(source, target string) error {
	if err := unix.Mount(source, target, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("mounting %s on %s: %w", source, target, err)
	}
	return nil
}

// onOverlay tells whether the folder is on an overlay file system, which another one can't sit on.
func onOverlay(dir string) (bool, error) {
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		return false, fmt.Errorf("asking for the file system of %s: %w", dir, err)
	}
	return fs.Type == unix.OVERLAYFS_SUPER_MAGIC, nil
}

// inNetwork calls the function on a thread in the network of the process. Sockets that it makes stay there.
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
		// A thread that shares its working directory with others may not change what that is relative to.
		if err := unix.Unshare(unix.CLONE_FS); err != nil {
			return fmt.Errorf("leaving the other threads: %w", err)
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

// onThread calls the function on a thread that ends with it, and takes the namespaces that it entered along. The main
// thread can't end, and stands for the whole process in its proc folder: while it is kept busy, another one is found.
func onThread(call func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread is of no use to others
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
		return fmt.Errorf("finding the %s namespace: %w", name, err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if err := unix.Setns(int(file.Fd()), flag); err != nil {
		return fmt.Errorf("entering the %s namespace: %w", name, err)
	}
	return nil
}
