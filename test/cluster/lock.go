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

// lock is a file that a warden holds for as long as it lives: the kernel lets go of it with the process, so that it
// can't be wrong about who is alive, as a recorded process id could.
type lock struct{ file *os.File }

// holder is what the file says of whoever holds it, and of the cluster.
type holder struct {
	Warden int  `json:"warden"`
	Keeper int  `json:"keeper"`
	Plan   Plan `json:"plan"`
}

var errUp = errors.New("a cluster is already up")

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

// tell writes down who holds the lock.
func (l *lock) tell(h holder) error {
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

// release lets go of the lock, and leaves nothing in it.
func (l *lock) release() error {
	return errors.Join(l.file.Truncate(0), l.file.Close())
}

// holder returns who holds the lock; false if nobody does, or has not said who it is.
func (p Plan) holder() (holder, bool, error) {
	l, err := p.acquire()
	switch {
	case errors.Is(err, os.ErrNotExist):
		return holder{}, false, nil
	case err == nil:
		// What a killed warden wrote stays there for whoever clears up.
		return holder{}, false, l.file.Close()
	case !errors.Is(err, errUp):
		return holder{}, false, err
	}
	h, told := p.lastHolder()
	return h, told, nil
}

// lastHolder returns who holds the lock or was killed with it; false if nobody was, or has said who it is.
func (p Plan) lastHolder() (h holder, told bool) {
	data, err := os.ReadFile(p.lockFile())
	told = err == nil && json.Unmarshal(data, &h) == nil
	return h, told
}

// pollEvery is how often something is looked at that can't be waited for.
const pollEvery = 50 * time.Millisecond

// poll asks until the answer is yes, or an error, or the context ends.
func poll(ctx context.Context, ask func(context.Context) (bool, error)) error {
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	for {
		if yes, err := ask(ctx); yes || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
}
