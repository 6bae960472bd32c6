package resolve

import (
	"fmt"
	"runtime/debug"
)

// Fault is what a panic becomes on its way from the goroutine of a question to those that wait for the answer.
type Fault struct {
	cause any
	stack []byte
}

// NewFault wraps what was recovered from a panic, where it was recovered; a Fault stays what it is.
func NewFault(recovered any) *Fault {
	if f, ok := recovered.(*Fault); ok {
		return f
	}
	return &Fault{recovered, debug.Stack()}
}

// String names the type of the cause, and not its text: that could hold anything.
func (f *Fault) String() string { return fmt.Sprintf("panic of %T in a check", f.cause) }

// Stack returns where the panic was.
func (f *Fault) Stack() string { return string(f.stack) }
