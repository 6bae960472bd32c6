package policy

import "github.com/pullgate/pullgate/webhook/imagepull"

// Input is all that a decision depends on.
type Input struct {
	// Mode is that of the namespace. A value that is no mode acts as ModeWarn.
	Mode Mode
	// Actions override what an outcome stands for, one reason at a time. They act below the mode, which still caps them.
	Actions map[imagepull.Reason]Action
	// Template marks a workload's pod template. It is warned of and never denied: by the time its pods come, which are
	// checked themselves, an image may have been pushed or a secret created.
	Template bool
	// Findings are the findings of the whole object, in the order of its uses.
	Findings []imagepull.Finding
}

// Decision says what becomes of an object. The zero value admits it in silence.
//
// Each list keeps the order of the findings that it was made from.
type Decision struct {
	// Denials are the findings that refuse the object; it is admitted when there are none.
	Denials []imagepull.Finding
	// Warnings are the findings that the caller is told of. A refused object has none: they would only bury its cause.
	Warnings []imagepull.Finding
	// Audited are the findings for the audit annotations: all that ask for more than ActionAllow, whatever the mode
	// keeps from the caller. In ModeOff there are none.
	Audited []imagepull.Finding
}

// Allowed reports whether the object is admitted.
func (d Decision) Allowed() bool { return len(d.Denials) == 0 }

// Decide weighs the findings of one object.
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

// add files one finding under what it asks for, as far as the mode allows.
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
