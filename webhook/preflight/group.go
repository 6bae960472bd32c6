package preflight

import (
	"sync"

	"github.com/pullgate/pullgate/webhook/parallel"
)

// group runs functions at the same time. A panic in one of them would end the process, and with it every admission under
// way, whoever recovers in the caller: so the group carries it over to there.
type group struct {
	wg    sync.WaitGroup
	first sync.Once
	fault *parallel.PanicError
}

func (g *group) run(f func()) {
	g.wg.Go(func() {
		defer func() {
			if cause := recover(); cause != nil {
				g.first.Do(func() { g.fault = parallel.NewPanicError(cause) })
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
