package policy

import "github.com/pullgate/pullgate/webhook/imagepull"

// Input holds everything that a decision depends on.
type Input struct {
	// Mode is the mode of the namespace. An unknown value acts as ModeWarn.
	Mode Mode
	// Actions override the action of an outcome, one reason at a time. The mode still caps them.
	Actions map[imagepull.Reason]Action
	// Template marks a workload's pod template, which gets warnings only. Its pods are checked when they are created; until
	// then the image may be pushed or the secret created.
	Template bool
	// Findings are the findings of the whole object, in the order of its uses.
	Findings []imagepull.Finding
}

// Decision is the decision on an object. The zero value admits it without a warning. Each list keeps the order of the
// findings.
type Decision struct {
	// Denials are the findings that deny the object. The object is admitted if the list is empty.
	Denials []imagepull.Finding
	// Warnings are the findings to warn about. A denied object has none: they would hide the cause of the denial.
	Warnings []imagepull.Finding
	// Audited are the findings for the audit annotations: all whose action is not ActionAllow, in every mode but ModeOff.
	Audited []imagepull.Finding
}

// Allowed reports whether the object is admitted.
func (d Decision) Allowed() bool { return len(d.Denials) == 0 }

// Decide returns the decision on the findings of one object.
func Decide(in Input) Decision {
	var d Decision
	if in.Mode == ModeOff {
		return d
	}
	for _, finding := range in.Findings {
		d.add(finding, in)
	}
	if !d.Allowed() {
		d.Warnings = nil
	}
	return d
}

// add appends one finding to the lists for its action, as far as the mode allows.
func (d *Decision) add(finding imagepull.Finding, in Input) {
	action := actionOn(finding, in.Actions)
	if action == ActionAllow {
		return
	}
	d.Audited = append(d.Audited, finding)
	switch {
	case in.Mode == ModeAudit:
	case action == ActionDeny && in.Mode == ModeEnforce && !in.Template:
		d.Denials = append(d.Denials, finding)
	default:
		d.Warnings = append(d.Warnings, finding)
	}
}
