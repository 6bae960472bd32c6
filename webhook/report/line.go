package report

import (
	"strings"
	"unicode/utf8"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

const (
	// preferredWarning is the preferred length of a warning: kubectl prints it on one line of a terminal.
	preferredWarning = 120
	// maxWarning bounds a warning: the API server truncates longer ones if all warnings together exceed its limit.
	maxWarning = 256
	// maxName bounds an image or a name. Every valid reference fits, and other text in an object cannot inflate the
	// response.
	maxName = 512
	// minImage is the length of a shortened image. It still shows the registry and the tag.
	minImage = 24
)

// Line returns a finding as one line without control characters:
//
//	container "web": image "registry.example/shop/web:1.2" cannot be pulled: NotFound: tag not found; push the image or correct its name
//
// The warnings on an image that cannot be pulled follow the cause. The warnings on a pullable image replace the outcome.
func Line(f imagepull.Finding) string {
	return sentence{finding: f, image: maxName, fix: true}.String()
}

// Warning returns a shorter Line: at most 120 characters if possible, and never more than 256. It drops the fix first, which
// the reason implies, then the middle of the image: registry and tag are more useful.
func Warning(f imagepull.Finding) string {
	full := Line(f)
	if utf8.RuneCountInString(full) <= preferredWarning {
		return full
	}
	brief := sentence{finding: f, image: maxName}.String()
	excess := utf8.RuneCountInString(brief) - preferredWarning
	if excess <= 0 {
		return brief
	}
	length := min(utf8.RuneCountInString(escape(f.Image)), maxName)
	return cutEnd(sentence{finding: f, image: max(minImage, length-excess)}.String(), maxWarning)
}

// sentence is a finding, and the parts of it to print.
type sentence struct {
	finding imagepull.Finding
	// image bounds the characters of the image.
	image int
	fix   bool
}

// String joins the parts: container, image, outcome, cause, fix.
func (s sentence) String() string {
	var b strings.Builder
	if s.finding.Kind != imagepull.Standalone {
		b.WriteString(s.finding.Kind.String() + ` "` + cutMiddle(escape(s.finding.Name), maxName) + `": `)
	}
	b.WriteString(`image "` + cutMiddle(escape(s.finding.Image), s.image) + `"`)
	if isWarningOnly(s.finding) {
		b.WriteString(": " + strings.Join(warnings(s.finding), "; "))
		return b.String()
	}
	b.WriteString(" " + verb(s.finding.Reason))
	for _, part := range []string{string(s.finding.Reason), cause(s.finding)} {
		if part != "" {
			b.WriteString(": " + part)
		}
	}
	if fix := fixOf(s.finding.Verdict); s.fix && fix != "" {
		b.WriteString("; " + fix)
	}
	return b.String()
}

// isWarningOnly reports whether the finding is a pullable image with warnings.
func isWarningOnly(f imagepull.Finding) bool {
	return f.Outcome() == imagepull.Pullable && len(f.Warnings) > 0
}

// warnings returns each warning as "reason: message".
func warnings(f imagepull.Finding) []string {
	all := make([]string, 0, len(f.Warnings))
	for _, warning := range f.Warnings {
		all = append(all, string(warning.Reason)+": "+printable(warning.Message))
	}
	return all
}

// cause returns the detail and the warnings that it does not contain.
func cause(f imagepull.Finding) string {
	var parts []string
	if f.Detail != "" {
		parts = append(parts, printable(f.Detail))
	}
	for _, warning := range f.Warnings {
		if !strings.Contains(f.Detail, warning.Message) {
			parts = append(parts, printable(warning.Message))
		}
	}
	return strings.Join(parts, "; ")
}

// fixOf returns the verdict's own fix, or the fix of its reason.
func fixOf(v imagepull.Verdict) string {
	if v.Fix != "" {
		return printable(v.Fix)
	}
	return v.Reason.Fix()
}

// verb returns the predicate of a reason. Indeterminate reasons have two kinds: no response, or one that depends on the node.
func verb(r imagepull.Reason) string {
	switch r {
	case imagepull.ReasonPullable:
		return "can be pulled"
	case imagepull.ReasonPresentOnNode:
		return "is on the nodes"
	case imagepull.ReasonNotChecked, imagepull.ReasonEgressForbidden, imagepull.ReasonTooManyImages:
		return "was not checked"
	case imagepull.ReasonInsecureRegistry, imagepull.ReasonNeverPresent, imagepull.ReasonPullSecretMissing,
		imagepull.ReasonNodeCredentials, imagepull.ReasonNodeCache, imagepull.ReasonNodeCacheUnreported,
		imagepull.ReasonSomePlatforms:
		return "may not be pullable"
	case imagepull.ReasonInvalidImageName, imagepull.ReasonInvalidPullSecret, imagepull.ReasonNotFound,
		imagepull.ReasonAccessDenied, imagepull.ReasonPlatformMismatch, imagepull.ReasonUnsupportedImage,
		imagepull.ReasonBlobMissing:
		return "cannot be pulled"
	case imagepull.ReasonNotARegistry, imagepull.ReasonRegistryUnavailable, imagepull.ReasonRateLimited, imagepull.ReasonDeadlineExceeded,
		imagepull.ReasonNodeLocalRegistry:
	}
	return "could not be checked"
}
