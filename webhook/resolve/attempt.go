package resolve

import (
	"time"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// attempt is a question on its way to the registry, with the rests that it is to end.
type attempt struct {
	key     key
	asked   time.Time
	probing []*rest
}

func (a *attempt) host() key    { return key{ref: imagepull.Reference{Domain: a.key.ref.Domain}} }
func (a *attempt) account() key { return key{a.host().ref, a.key.identity} }

// stopped returns the verdict from memory if one of the rests lasts. The attempt is to end those that are over.
func (a *attempt) stopped(rests ...*rest) (v imagepull.Verdict, stopped bool) {
	for _, r := range rests {
		switch {
		case r == nil || !r.begun():
		case r.probing || r.lasts(a.asked):
			return r.told(a.asked), true
		default:
			a.probing = append(a.probing, r)
		}
	}
	return imagepull.Verdict{}, false
}

// begin makes the attempt the one that tries again.
func (a *attempt) begin() { a.mark(true) }

// end lets others try, whatever came of it.
func (a *attempt) end() { a.mark(false) }

func (a *attempt) mark(probing bool) {
	for _, r := range a.probing {
		r.probing = probing
	}
}
