package preflight

import (
	"fmt"
	"runtime/debug"
	"sync"
)

// group runs functions at the same time. A panic in one of them would end the process, and with it every admission under
// way, whoever recovers in the caller: so the group carries it over to there.
type group struct {
	wg    sync.WaitGroup
	first sync.Once
	fault *Fault
}

// Fault is what a panic during a check becomes in the goroutine that called it.
type Fault struct {
	cause any
	stack []byte
}

// String names the type of the cause, and not its text: that could hold anything.
func (f *Fault) String() string { return fmt.Sprintf("panic of %T in a check", f.cause) }

// Stack returns where the panic was.
func (f *Fault) Stack() string { return string(f.stack) }

func (g *group) run(f func()) {
	g.wg.Go(func() {
		defer func() {
			if cause := recover(); cause != nil {
				g.first.Do(func() { g.fault = &Fault{cause, debug.Stack()} })
			}
		}()
		f()
	})
}

// wait returns when all functions have, or panics as the first of them did.
func (g *group) wait() {
	g.wg.Wait()
	if g.fault != nil {
		panic(g.fault)
	}
}
