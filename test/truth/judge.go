package truth

import (
	"fmt"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// Foretold is Pullgate's answer: that of the finding that decides. Whoever only knows that a pod was let in has no reason.
type Foretold struct {
	Outcome imagepull.Outcome
	Reason  imagepull.Reason
	Detail  string
}

// Foretell is Pullgate's answer on a whole object. A certain failure decides, then a doubt; an object without findings is let
// through unasked.
func Foretell(findings []imagepull.Finding) Foretold {
	chosen := Foretold{Outcome: imagepull.Pullable, Reason: imagepull.ReasonNotChecked}
	for i, f := range findings {
		if i == 0 || weight(f.Outcome()) > weight(chosen.Outcome) {
			chosen = Foretold{f.Outcome(), f.Reason, f.Detail}
		}
	}
	return chosen
}

func weight(o imagepull.Outcome) int {
	switch o {
	case imagepull.Unpullable:
		return 2
	case imagepull.Indeterminate:
		return 1
	case imagepull.Pullable:
	}
	return 0
}

// Agreement is how an answer stands to what the kubelet did.
type Agreement uint8

const (
	// Agrees means that what was foretold came true.
	Agrees Agreement = iota
	// Doubts means that Pullgate would not say, and the scenario knows why.
	Doubts
	// Misses means that a failure was not foretold, and the scenario knows why.
	Misses
	// FalseDenial means that what the node pulled was refused.
	FalseDenial
	// Unforetold means that what the node could not pull was let in without a word.
	Unforetold
	// Unexplained means that Pullgate's reason is not the one that the scenario expects.
	Unexplained
)

// String returns the agreement in words.
func (a Agreement) String() string {
	return [...]string{"agrees", "doubt", "stated miss", "FALSE DENIAL", "UNFORETOLD", "UNEXPECTED REASON"}[a]
}

// Judge compares an answer with what the kubelet did.
func (s *Scenario) Judge(kubelet Recorded, got Foretold) Agreement {
	pulled := kubelet.Outcome == Pulled || kubelet.Outcome == PulledLater
	switch {
	case pulled && got.Outcome == imagepull.Unpullable:
		return FalseDenial
	case !pulled && got.Outcome == imagepull.Pullable && s.Miss == "":
		return Unforetold
	case got.Reason != s.Expect && (got.Reason != "" || got.Outcome != s.Expect.Outcome()):
		return Unexplained
	case got.Outcome == imagepull.Indeterminate:
		return Doubts
	case !pulled && got.Outcome == imagepull.Pullable:
		return Misses
	}
	return Agrees
}

// Problem describes an agreement that a test must not accept; empty for one that it may.
func (s *Scenario) Problem(kubelet Recorded, got Foretold) string {
	a := s.Judge(kubelet, got)
	if a <= Misses {
		return ""
	}
	return fmt.Sprintf("%s: the kubelet: %s %s %q; Pullgate: %s %s %q; the scenario expects %s",
		a, kubelet.Outcome, kubelet.Reason, kubelet.Message, got.Outcome, got.Reason, got.Detail, s.Expect)
}
