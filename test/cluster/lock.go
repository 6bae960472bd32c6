package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

// lock is a file that a supervisor keeps locked until it exits. The kernel releases the lock with the process, so it
// is more reliable than a recorded process ID.
type lock struct{ file *os.File }

// holder is the content of the lock file: the processes and the plan of the cluster.
type holder struct {
	Supervisor int  `json:"supervisor"`
	Init       int  `json:"init"`
	Plan       Plan `json:"plan"`
}

var errUp = errors.New("a cluster is already running")

func (p Plan) lockFile() string { return p.path("lock") }

// acquire takes the lock of the cluster's folder, or returns errUp.
func (p Plan) acquire() (*lock, error) {
	file, err := os.OpenFile(p.lockFile(), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the lock: %w", err)
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	switch {
	case errors.Is(err, syscall.EWOULDBLOCK):
		return nil, errors.Join(fmt.Errorf("%w in %s", errUp, p.Dir), file.Close())
	case err != nil:
		return nil, errors.Join(fmt.Errorf("taking the lock: %w", err), file.Close())
	}
	return &lock{file: file}, nil
}

// write writes the holder into the file.
func (l *lock) write(h holder) error {
	data, err := json.Marshal(h)
	if err != nil {
		return fmt.Errorf("encoding the lock's holder: %w", err)
	}
	if err := l.file.Truncate(0); err != nil {
		return fmt.Errorf("emptying the lock: %w", err)
	}
	if _, err := l.file.WriteAt(data, 0); err != nil {
		return fmt.Errorf("writing the lock: %w", err)
	}
	return nil
}

// release empties the file and releases the lock.
func (l *lock) release() error {
	return errors.Join(l.file.Truncate(0), l.file.Close())
}

// holder returns the holder of the lock. It returns false if the lock is free or its holder has not written the file
// yet.
func (p Plan) holder() (holder, bool, error) {
	l, err := p.acquire()
	switch {
	case errors.Is(err, os.ErrNotExist):
		return holder{}, false, nil
	case err == nil:
		// The content of a killed supervisor stays, because the next cleanup needs it.
		return holder{}, false, l.file.Close()
	case !errors.Is(err, errUp):
		return holder{}, false, err
	}
	h, ok := p.lastHolder()
	return h, ok, nil
}

// lastHolder returns the content of the file: the current holder, or one that was killed. It returns false if the
// file is empty.
func (p Plan) lastHolder() (h holder, ok bool) {
	data, err := os.ReadFile(p.lockFile())
	ok = err == nil && json.Unmarshal(data, &h) == nil
	return h, ok
}

// pollEvery is the interval of poll.
const pollEvery = 50 * time.Millisecond

// poll calls the function until it returns true or an error, or the context ends.
func poll(ctx context.Context, done func(context.Context) (bool, error)) error {
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	for {
		if ok, err := done(ctx); ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
}
