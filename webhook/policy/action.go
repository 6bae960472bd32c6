package policy

import (
	"slices"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// Action is what one finding asks for, before the mode has its say.
type Action string

const (
	// ActionDeny refuses the object.
	ActionDeny Action = "deny"
	// ActionWarn lets the object through with a warning.
	ActionWarn Action = "warn"
	// ActionAllow lets the object through and says nothing.
	ActionAllow Action = "allow"
)

// Actions returns every action, the strictest first.
func Actions() []Action { return []Action{ActionDeny, ActionWarn, ActionAllow} }

// actionOn returns what the finding asks for. An override that is no action counts as none, because a slip there must
// not turn a denial into silence or the other way round.
func actionOn(finding imagepull.Finding, overrides map[imagepull.Reason]Action) Action {
	if action := overrides[finding.Reason]; slices.Contains(Actions(), action) {
		return action
	}
	return defaultAction(finding)
}

// defaultAction follows the outcome: only certainty denies.
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
