package policy

import "slices"

// LabelMode is the label of a namespace with its mode.
const LabelMode = "pullgate.dev/mode"

// Mode caps the actions of Pullgate in a namespace.
type Mode string

const (
	// ModeEnforce denies Unpullable findings and warns about Indeterminate ones.
	ModeEnforce Mode = "enforce"
	// ModeWarn warns about both.
	ModeWarn Mode = "warn"
	// ModeAudit sends findings to audit annotations and metrics only.
	ModeAudit Mode = "audit"
	// ModeOff admits every object unchecked.
	ModeOff Mode = "off"
)

// Modes returns every mode, from strict to lenient.
func Modes() []Mode { return []Mode{ModeEnforce, ModeWarn, ModeAudit, ModeOff} }

// ModeOf returns the mode in the labels of a namespace, or unlabelled if the label is missing.
//
// The second result is false if the label holds an unknown mode. Such a namespace is in mode "warn": warnings show the
// mistake, and denials may not be intended.
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
