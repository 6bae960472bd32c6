package cluster

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
)

func TestLock(t *testing.T) {
	t.Parallel()
	p := Plan{Dir: t.TempDir()}
	if _, up, err := p.holder(); up || err != nil {
		t.Errorf("without a lock: got up %v and error %v, want neither", up, err)
	}
	held, err := p.acquire()
	if err != nil {
		t.Fatal(err)
	}
	if _, up, err := p.holder(); up || err != nil {
		t.Errorf("held by an unknown process: got up %v and error %v, want neither", up, err)
	}
	want := holder{Supervisor: 1, Init: 2, Plan: Plan{Dir: p.Dir, Programs: "/programs"}}
	if err := held.write(want); err != nil {
		t.Fatal(err)
	}
	if got, up, err := p.holder(); !up || err != nil || got != want {
		t.Errorf("held: got %v, up %v and error %v, want %v", got, up, err, want)
	}
	if _, err := p.acquire(); !errors.Is(err, errUp) || !strings.Contains(err.Error(), p.Dir) {
		t.Errorf("a second acquire: got error %v, want %v in %s", err, errUp, p.Dir)
	}
	if err := held.release(); err != nil {
		t.Fatal(err)
	}
	if _, up, err := p.holder(); up || err != nil {
		t.Errorf("released: got up %v and error %v, want neither", up, err)
	}
}

// TestLockOfAKilledSupervisor checks that reading the lock does not erase the content of a killed supervisor.
func TestLockOfAKilledSupervisor(t *testing.T) {
	t.Parallel()
	p := Plan{Dir: t.TempDir()}
	held, err := p.acquire()
	if err != nil {
		t.Fatal(err)
	}
	want := holder{Supervisor: 1, Init: 2}
	if err := held.write(want); err != nil {
		t.Fatal(err)
	}
	if err := held.file.Close(); err != nil { // the kernel closes it like this
		t.Fatal(err)
	}
	if _, up, err := p.holder(); up || err != nil {
		t.Errorf("got up %v and error %v, want neither", up, err)
	}
	if got, ok := p.lastHolder(); !ok || got != want {
		t.Errorf("got %v, want %v", got, want)
	}
	if err := Down(t.Context(), p.Dir); err != nil {
		t.Error(err)
	}
	if got, ok := p.lastHolder(); ok {
		t.Errorf("after Down: got %v, want an empty lock", got)
	}
}

func TestLockErrors(t *testing.T) {
	t.Parallel()
	blocked := Plan{Dir: t.TempDir()}
	if err := os.Mkdir(blocked.lockFile(), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, _, err := blocked.holder(); err == nil || !strings.Contains(err.Error(), "opening the lock") {
		t.Errorf("got error %v, want an error about opening the lock", err)
	}
	if err := Down(t.Context(), blocked.Dir); err == nil || !strings.Contains(err.Error(), "opening the lock") {
		t.Errorf("Down: got error %v, want an error about opening the lock", err)
	}
	p := Plan{Dir: t.TempDir()}
	held, err := p.acquire()
	if err != nil {
		t.Fatal(err)
	}
	if err := held.release(); err != nil {
		t.Fatal(err)
	}
	if err := held.write(holder{}); err == nil || !strings.Contains(err.Error(), "emptying the lock") {
		t.Errorf("write after release: got error %v, want an error about emptying the lock", err)
	}
	if err := held.release(); err == nil {
		t.Error("second release: got no error")
	}
}

func TestPoll(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	tests := map[string]struct {
		ctx     context.Context
		results []bool
		err     error
		want    error
	}{
		"true immediately":                   {ctx: t.Context(), results: []bool{true}},
		"true at the third call":             {ctx: t.Context(), results: []bool{false, false, true}},
		"an error":                           {ctx: t.Context(), results: []bool{false, false}, err: broken, want: broken},
		"the context has ended":              {ctx: ended, results: []bool{false}, want: context.Canceled},
		"true and the context has ended":     {ctx: ended, results: []bool{true}},
		"an error and the context has ended": {ctx: ended, results: []bool{false}, err: broken, want: broken},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			calls := 0
			err := poll(tt.ctx, func(context.Context) (bool, error) {
				calls++
				if calls == len(tt.results) {
					return tt.results[calls-1], tt.err
				}
				return tt.results[calls-1], nil
			})
			if !errors.Is(err, tt.want) || calls != len(tt.results) {
				t.Errorf("got error %v after %d calls, want %v after %d", err, calls, tt.want, len(tt.results))
			}
		})
	}
}
