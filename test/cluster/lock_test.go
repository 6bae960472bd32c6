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
		t.Errorf("before: got up %v and error %v, want neither", up, err)
	}
	held, err := p.acquire()
	if err != nil {
		t.Fatal(err)
	}
	if _, up, err := p.holder(); up || err != nil {
		t.Errorf("held by somebody unknown: got up %v and error %v, want neither", up, err)
	}
	want := holder{Warden: 1, Keeper: 2, Plan: Plan{Dir: p.Dir, Programs: "/programs"}}
	if err := held.tell(want); err != nil {
		t.Fatal(err)
	}
	if got, up, err := p.holder(); !up || err != nil || got != want {
		t.Errorf("held: got %v, up %v and error %v, want %v", got, up, err, want)
	}
	if _, err := p.acquire(); !errors.Is(err, errUp) || !strings.Contains(err.Error(), p.Dir) {
		t.Errorf("taking it again: got error %v, want %v in %s", err, errUp, p.Dir)
	}
	if err := held.release(); err != nil {
		t.Fatal(err)
	}
	if _, up, err := p.holder(); up || err != nil {
		t.Errorf("released: got up %v and error %v, want neither", up, err)
	}
}

// Looking whether a cluster is up does not wipe out what a killed warden has said.
func TestLockOfAKilledWarden(t *testing.T) {
	t.Parallel()
	p := Plan{Dir: t.TempDir()}
	held, err := p.acquire()
	if err != nil {
		t.Fatal(err)
	}
	want := holder{Warden: 1, Keeper: 2}
	if err := held.tell(want); err != nil {
		t.Fatal(err)
	}
	if err := held.file.Close(); err != nil { // as the kernel does it
		t.Fatal(err)
	}
	if _, up, err := p.holder(); up || err != nil {
		t.Errorf("got up %v and error %v, want neither", up, err)
	}
	if got, told := p.lastHolder(); !told || got != want {
		t.Errorf("got %v, want %v", got, want)
	}
	if err := Down(t.Context(), p.Dir); err != nil {
		t.Error(err)
	}
	if got, told := p.lastHolder(); told {
		t.Errorf("after Down: got %v, want nobody", got)
	}
}

func TestLockErrors(t *testing.T) {
	t.Parallel()
	blocked := Plan{Dir: t.TempDir()}
	if err := os.Mkdir(blocked.lockFile(), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, _, err := blocked.holder(); err == nil || !strings.Contains(err.Error(), "opening the lock") {
		t.Errorf("got error %v, want one about opening the lock", err)
	}
	if err := Down(t.Context(), blocked.Dir); err == nil || !strings.Contains(err.Error(), "opening the lock") {
		t.Errorf("Down: got error %v, want one about opening the lock", err)
	}
	p := Plan{Dir: t.TempDir()}
	held, err := p.acquire()
	if err != nil {
		t.Fatal(err)
	}
	if err := held.release(); err != nil {
		t.Fatal(err)
	}
	if err := held.tell(holder{}); err == nil || !strings.Contains(err.Error(), "emptying the lock") {
		t.Errorf("telling after the release: got error %v, want one about emptying the lock", err)
	}
	if err := held.release(); err == nil {
		t.Error("releasing twice: got no error")
	}
}

func TestOpenWithoutACluster(t *testing.T) {
	t.Parallel()
	for name, dir := range map[string]string{"an empty folder": t.TempDir(), "no folder": "/nowhere/at/all"} {
		if _, err := Open(dir); !errors.Is(err, ErrDown) {
			t.Errorf("%s: got error %v, want %v", name, err, ErrDown)
		}
	}
}

func TestPoll(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	tests := map[string]struct {
		ctx     context.Context
		answers []bool
		err     error
		want    error
	}{
		"yes at once":     {ctx: t.Context(), answers: []bool{true}},
		"yes at the end":  {ctx: t.Context(), answers: []bool{false, false, true}},
		"an error":        {ctx: t.Context(), answers: []bool{false, false}, err: broken, want: broken},
		"time is up":      {ctx: ended, answers: []bool{false}, want: context.Canceled},
		"just in time":    {ctx: ended, answers: []bool{true}},
		"error when over": {ctx: ended, answers: []bool{false}, err: broken, want: broken},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			asked := 0
			err := poll(tt.ctx, func(context.Context) (bool, error) {
				asked++
				if asked == len(tt.answers) {
					return tt.answers[asked-1], tt.err
				}
				return tt.answers[asked-1], nil
			})
			if !errors.Is(err, tt.want) || asked != len(tt.answers) {
				t.Errorf("got error %v after %d questions, want %v after %d", err, asked, tt.want, len(tt.answers))
			}
		})
	}
}
