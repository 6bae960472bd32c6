// Package parallel runs functions in goroutines and carries their panics back to the caller.
//
//	var g parallel.Group
//	g.Go(func() { … })
//	g.Wait()
//
// A panic in a goroutine ends the process, even if the caller recovers. In a webhook it would end every admission in
// flight. golang.org/x/sync/errgroup and singleflight do not carry panics to a caller that recovers, so the functions given to
// them call [Recover]. A [PanicError] prints the type of the panic's value only: its text may be secret.
package parallel

import (
	"fmt"
	"runtime/debug"
	"sync"
)

// Group runs functions in goroutines of their own. The zero value is ready to use.
type Group struct {
	wg    sync.WaitGroup
	first sync.Once
	err   *PanicError
}

// Go runs f in a goroutine.
func (g *Group) Go(f func()) {
	g.wg.Go(func() {
		if err := Recover(f); err != nil {
			g.first.Do(func() { g.err = err })
		}
	})
}

// Wait returns when all functions have returned. If one panicked, Wait panics with the first [*PanicError].
func (g *Group) Wait() {
	g.wg.Wait()
	if g.err != nil {
		panic(g.err)
	}
}

// PanicError is a panic that was recovered in one goroutine, to be raised again in another.
type PanicError struct {
	value any
	stack []byte
}

// Recover runs f and returns its panic, or nil.
func Recover(f func()) (err *PanicError) {
	defer func() {
		if value := recover(); value != nil {
			err = NewPanicError(value)
		}
	}()
	f()
	return nil
}

// NewPanicError returns a PanicError for a recovered value, with the stack of the calling goroutine. A value that is a
// *PanicError already is returned unchanged, with the stack of the first panic.
func NewPanicError(recovered any) *PanicError {
	if err, ok := recovered.(*PanicError); ok {
		return err
	}
	return &PanicError{recovered, debug.Stack()}
}

// Error names the type of the panic's value. The text of the value may hold a secret.
func (e *PanicError) Error() string { return fmt.Sprintf("panic of %T", e.value) }

// Stack returns the stack of the goroutine that panicked.
func (e *PanicError) Stack() string { return string(e.stack) }
