package policy

import (
	"slices"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// Action is the action on one finding, before the mode is applied.
type Action string

const (
	// ActionDeny denies the object.
	ActionDeny Action = "deny"
	// ActionWarn admits the object with a warning.
	ActionWarn Action = "warn"
	// ActionAllow admits the object without a warning.
	ActionAllow Action = "allow"
)

// Actions returns every action, from strict to lenient.
func Actions() []Action { return []Action{ActionDeny, ActionWarn, ActionAllow} }

// actionOn returns the action on a finding. An override with an unknown action is ignored: a typo must not hide a denial or
// cause one.
func actionOn(finding imagepull.Finding, overrides map[imagepull.Reason]Action) Action {
	if action := overrides[finding.Reason]; slices.Contains(Actions(), action) {
		return action
	}
	return defaultAction(finding)
}

// defaultAction returns the action of the outcome: only Unpullable findings deny.
func defaultAction(finding imagepull.Finding) Action {
	switch finding.Outcome() {
	case imagepull.Unpullable:
		return ActionDeny
	case imagepull.Pullable:
		if len(finding.Warnings) == 0 {
			return ActionAllow
		}
		return ActionWarn
	case imagepull.Indeterminate:
	}
	return ActionWarn
}
