package main

import (
	"fmt"
	"strings"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// effect is what became of a pod.
type effect uint8

const (
	// failed is neither of the others: something went wrong. It is the zero value.
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
	return "no answer"
}

// What kubectl prints of a webhook's answer.
const (
	denial        = `admission webhook "pods.pullgate.dev" denied the request: `
	warningPrefix = "Warning: "
)

// answer is what Pullgate said of a pod: the effect and, unless there was nothing to say, the reason.
type answer struct {
	effect effect
	reason imagepull.Reason
}

// String returns the answer as the table shows it.
func (a answer) String() string {
	if a.reason == "" {
		return a.effect.String()
	}
	return fmt.Sprintf("%s: %s", a.effect, a.reason)
}

// readAnswer takes the answer from what kubectl printed and its status.
func readAnswer(o outcome) answer {
	switch {
	case o.status != 0 && strings.Contains(o.output, denial):
		return answer{denied, reasonIn(o.output)}
	case o.status != 0:
		return answer{}
	}
	for line := range strings.Lines(o.output) {
		if strings.HasPrefix(line, warningPrefix) {
			return answer{warned, reasonIn(line)}
		}
	}
	return answer{effect: admitted}
}

// reasonIn finds the reason, which stands between colons.
func reasonIn(text string) imagepull.Reason {
	for _, reason := range imagepull.Reasons() {
		if strings.Contains(text, ": "+string(reason)+":") {
			return reason
		}
	}
	return ""
}
