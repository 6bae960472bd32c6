package preflight

import (
	"slices"
	"strings"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// placeholder applies to an image that a mutating webhook replaces when the pod is created. An admitted pod with such an image
// has no such webhook: the API server calls mutating webhooks before validating ones.
func placeholder(f facts) (imagepull.Verdict, bool) {
	if !f.pod.BeforeAdmission {
		return imagepull.Verdict{}, false
	}
	const detail = "placeholder for an image that is set when the pod is created"
	switch {
	case f.use.Injected:
		return imagepull.Verdict{Reason: imagepull.ReasonNotChecked, Detail: detail + " (Istio)"}, true
	case slices.ContainsFunc(f.options.Placeholders, func(pattern string) bool { return matchesGlob(pattern, f.use.Image) }):
		return imagepull.Verdict{Reason: imagepull.ReasonNotChecked, Detail: detail + " (listed in placeholders)"}, true
	}
	return imagepull.Verdict{}, false
}

// matchesGlob reports whether a pattern with "*" for any characters matches a text. Its time is linear in the text, which the
// author of an object controls.
func matchesGlob(pattern, text string) bool {
	first, rest, hasWildcard := strings.Cut(pattern, "*")
	text, found := strings.CutPrefix(text, first)
	if !hasWildcard {
		return found && text == ""
	}
	parts := strings.Split(rest, "*")
	last := len(parts) - 1
	for _, part := range parts[:last] {
		if !found {
			return false
		}
		_, text, found = strings.Cut(text, part)
	}
	return found && strings.HasSuffix(text, parts[last])
}
