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

// cores are those that the measured processes have to themselves, and those of everything else: whoever asks, the registries
// and the API server.
type cores struct{ served, rest unix.CPUSet }

// splitCores halves the cores that this process may use. A single one is shared.
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
			c.rest.Set(core)
		default:
			c.served.Set(core)
		}
		seen++
	}
	return c, nil
}

// minProcs lets a goroutine wait in the kernel, for the sake of exact timing, without holding up the others.
const minProcs = 4

// confine keeps this process, with all its threads and those to come, to its cores.
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
		if err := unix.SchedSetaffinity(id, &c.rest); err != nil && !errors.Is(err, unix.ESRCH) {
			return fmt.Errorf("choosing cores: %w", err)
		}
	}
	runtime.GOMAXPROCS(max(minProcs, c.rest.Count()))
	return nil
}

// start starts the command on the cores of what is measured: a child has those of the thread that made it.
func (c cores) start(cmd *exec.Cmd) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.SchedSetaffinity(0, &c.served); err != nil {
		return fmt.Errorf("choosing cores: %w", err)
	}
	startErr := cmd.Start()
	if err := unix.SchedSetaffinity(0, &c.rest); err != nil {
		return fmt.Errorf("choosing cores: %w", err)
	}
	return startErr
}
