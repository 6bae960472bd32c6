package stage

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

// cores are the cores of the measured processes, and the cores of the other processes: the load generator, the
// registries and the API server.
type cores struct{ measured, other unix.CPUSet }

// splitCores halves the cores that this process may use. A single core is shared.
func splitCores() (cores, error) {
	var all unix.CPUSet
	if err := unix.SchedGetaffinity(0, &all); err != nil {
		return cores{}, fmt.Errorf("reading the cores: %w", err)
	}
	n := all.Count()
	if n < 2 {
		return cores{all, all}, nil
	}
	var c cores
	for core, seen := 0, 0; seen < n; core++ {
		switch {
		case !all.IsSet(core):
			continue
		case seen < n-n/2:
			c.other.Set(core)
		default:
			c.measured.Set(core)
		}
		seen++
	}
	return c, nil
}

// minProcs lets a goroutine wait in the kernel for precise timing without blocking the others.
const minProcs = 4

// confine restricts this process to its cores, with all current and future threads.
func (c cores) confine() error {
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return err
	}
	for _, task := range tasks {
		id, err := strconv.Atoi(task.Name())
		if err != nil {
			return err
		}
		if err := unix.SchedSetaffinity(id, &c.other); err != nil && !errors.Is(err, unix.ESRCH) {
			return fmt.Errorf("setting the affinity: %w", err)
		}
	}
	runtime.GOMAXPROCS(max(minProcs, c.other.Count()))
	return nil
}

// start starts the command on the cores of the measured processes. A child inherits the affinity of the thread that
// starts it.
func (c cores) start(cmd *exec.Cmd) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.SchedSetaffinity(0, &c.measured); err != nil {
		return fmt.Errorf("setting the affinity: %w", err)
	}
	startErr := cmd.Start()
	if err := unix.SchedSetaffinity(0, &c.other); err != nil {
		return fmt.Errorf("setting the affinity: %w", err)
	}
	return startErr
}
