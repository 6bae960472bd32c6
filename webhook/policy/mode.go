package policy

import "slices"

// LabelMode is the label of a namespace that holds its mode.
const LabelMode = "pullgate.dev/mode"

// Mode is how far Pullgate may go in a namespace.
type Mode string

const (
	// ModeEnforce refuses what is certain to fail and warns of doubt.
	ModeEnforce Mode = "enforce"
	// ModeWarn refuses nothing and warns of both.
	ModeWarn Mode = "warn"
	// ModeAudit tells the caller nothing; findings go to audit annotations and metrics only.
	ModeAudit Mode = "audit"
	// ModeOff lets everything through in silence.
	ModeOff Mode = "off"
)

// Modes returns every mode, the strictest first.
func Modes() []Mode { return []Mode{ModeEnforce, ModeWarn, ModeAudit, ModeOff} }

// ModeOf reads the mode off the labels of a namespace; without the label it is unlabelled.
//
// The second result is false when the label holds no mode. Such a namespace acts as "warn": somebody wanted Pullgate
// there, so that silence would hide the mistake, and a denial could be one that nobody asked for.
func ModeOf(labels map[string]string, unlabelled Mode) (Mode, bool) {
	value, labelled := labels[LabelMode]
	if !labelled {
		return unlabelled, true
	}
	if mode := Mode(value); slices.Contains(Modes(), mode) {
		return mode, true
	}
	return ModeWarn, false
}
