package main

import (
	"fmt"
	"strings"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// effect is the effect of an admission request.
type effect uint8

const (
	// failed is an error that is not Pullgate's decision. It is the zero value.
	failed effect = iota
	admitted
	warned
	denied
)

// String returns the effect as the table shows it.
func (e effect) String() string {
	switch e {
	case admitted:
		return "admitted"
	case warned:
		return "warning"
	case denied:
		return "denied"
	case failed:
	}
	return "no decision"
}

// The beginnings of kubectl's messages for a denial and a warning.
const (
	denialPrefix  = `admission webhook "pods.pullgate.dev" denied the request: `
	warningPrefix = "Warning: "
)

// decision is Pullgate's decision on a pod: the effect, and the reason of a denial or warning.
type decision struct {
	effect effect
	reason imagepull.Reason
}

// String returns the decision as the table shows it.
func (d decision) String() string {
	if d.reason == "" {
		return d.effect.String()
	}
	return fmt.Sprintf("%s: %s", d.effect, d.reason)
}

// parseDecision returns the decision that kubectl printed.
func parseDecision(o commandResult) decision {
	switch {
	case o.status != 0 && strings.Contains(o.output, denialPrefix):
		return decision{denied, reasonIn(o.output)}
	case o.status != 0:
		return decision{}
	}
	for line := range strings.Lines(o.output) {
		if strings.HasPrefix(line, warningPrefix) {
			return decision{warned, reasonIn(line)}
		}
	}
	return decision{effect: admitted}
}

// reasonIn returns the reason in a message, where it stands between colons.
func reasonIn(text string) imagepull.Reason {
	for _, reason := range imagepull.Reasons() {
		if strings.Contains(text, ": "+string(reason)+":") {
			return reason
		}
	}
	return ""
}
