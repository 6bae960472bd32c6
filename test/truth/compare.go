package truth

import (
	"fmt"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// Predicted is Pullgate's verdict on an object: the verdict of the decisive finding. Reason is empty if the caller of
// the API server got no reason, which is so for an admitted pod without warnings.
type Predicted struct {
	Outcome imagepull.Outcome
	Reason  imagepull.Reason
	Detail  string
}

// Predict returns Pullgate's verdict on a whole object. An Unpullable finding decides, else an Indeterminate one. An
// object without findings is NotChecked.
func Predict(findings []imagepull.Finding) Predicted {
	chosen := Predicted{Outcome: imagepull.Pullable, Reason: imagepull.ReasonNotChecked}
	for i, f := range findings {
		if i == 0 || weight(f.Outcome()) > weight(chosen.Outcome) {
			chosen = Predicted{f.Outcome(), f.Reason, f.Detail}
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

// Agreement is the relation of a prediction to the result on the kubelet.
type Agreement uint8

const (
	// Agrees means that the prediction was right.
	Agrees Agreement = iota
	// Indeterminate means that Pullgate gave no certain verdict, and the scenario explains why.
	Indeterminate
	// KnownMiss means that Pullgate did not predict a failure, and the scenario explains why.
	KnownMiss
	// FalseDenial means that Pullgate denied a pod whose images the node pulled.
	FalseDenial
	// Unpredicted means that Pullgate admitted a pod without a warning, and the node failed to pull its images.
	Unpredicted
	// UnexpectedReason means that Pullgate's reason differs from the scenario's.
	UnexpectedReason
)

// String returns the agreement as words for the report.
func (a Agreement) String() string {
	return [...]string{"agrees", "indeterminate", "known miss", "FALSE DENIAL", "UNPREDICTED", "UNEXPECTED REASON"}[a]
}

// Compare compares a prediction with the result on the kubelet.
func (s *Scenario) Compare(kubelet Recorded, got Predicted) Agreement {
	pulled := kubelet.Outcome == Pulled || kubelet.Outcome == PulledLater
	switch {
	case pulled && got.Outcome == imagepull.Unpullable:
		return FalseDenial
	case !pulled && got.Outcome == imagepull.Pullable && s.Miss == "":
		return Unpredicted
	case got.Reason != s.Expect && (got.Reason != "" || got.Outcome != s.Expect.Outcome()):
		return UnexpectedReason
	case got.Outcome == imagepull.Indeterminate:
		return Indeterminate
	case !pulled && got.Outcome == imagepull.Pullable:
		return KnownMiss
	}
	return Agrees
}

// Problem describes an agreement that a test must not accept. It returns "" for the others.
func (s *Scenario) Problem(kubelet Recorded, got Predicted) string {
	a := s.Compare(kubelet, got)
	if a <= KnownMiss {
		return ""
	}
	return fmt.Sprintf("%s: the kubelet: %s %s %q; Pullgate: %s %s %q; the scenario expects %s",
		a, kubelet.Outcome, kubelet.Reason, kubelet.Message, got.Outcome, got.Reason, got.Detail, s.Expect)
}
