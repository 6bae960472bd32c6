package webhook

import "errors"

// Cause is the cause for which an object is admitted unchecked. It is a label of a metric.
type Cause string

// The causes.
const (
	// CauseMode means that the mode of the namespace could not be read.
	CauseMode Cause = "mode"
	// CauseBound means that the review exceeds a bound.
	CauseBound Cause = "bound"
	// CauseLoad means that the review arrived too slowly, or beside too many others.
	CauseLoad Cause = "load"
	// CausePanic means that Pullgate has a defect.
	CausePanic Cause = "panic"
	// CauseObject means that the object, or what the request states about it, is not valid.
	CauseObject Cause = "object"
)

// Causes returns every Cause.
func Causes() []Cause { return []Cause{CauseMode, CauseBound, CauseLoad, CausePanic, CauseObject} }

// causeOf returns the cause of an error.
func causeOf(err error) Cause {
	for cause, errs := range map[Cause][]error{
		CauseMode:  {errMode},
		CauseBound: {errTooLarge, errTooDeep, errLongString, errManyValues, errManyImages},
		CauseLoad:  {errBusy, errSlow},
	} {
		for _, e := range errs {
			if errors.Is(err, e) {
				return cause
			}
		}
	}
	return CauseObject
}
