package report

import (
	"strings"
	"unicode/utf8"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

const (
	// wantedWarning is how long a warning should be at most; kubectl's users read it on one line of a terminal.
	wantedWarning = 120
	// longestWarning is where the API server cuts warnings off once they grow beyond its total.
	longestWarning = 256
	// longestName bounds an image or a name: every valid reference fits, and whatever else an object holds can't swell
	// the answer.
	longestName = 512
	// shortestImage is what shortening leaves of an image, enough to recognise it by its registry and tag.
	shortestImage = 24
)

// Line says what is to be known of a finding, on one line free of control characters:
//
//	container "web": image "registry.example/shop/web:1.2" cannot be pulled: NotFound: tag not found; push the image or correct its name
//
// The remarks on an image that can't be pulled follow the cause. Those on a pullable image are the line's whole point,
// and take the place of the outcome.
func Line(f imagepull.Finding) string {
	return sentence{finding: f, image: longestName, fix: true}.String()
}

// Warning is Line for where space is short: at most 120 characters where possible, and never over 256. The fix goes
// first, since the reason implies it; then the middle of the image, since its registry and tag say the most.
func Warning(f imagepull.Finding) string {
	full := Line(f)
	if utf8.RuneCountInString(full) <= wantedWarning {
		return full
	}
	brief := sentence{finding: f, image: longestName}.String()
	excess := utf8.RuneCountInString(brief) - wantedWarning
	if excess <= 0 {
		return brief
	}
	shown := min(utf8.RuneCountInString(escape(f.Image)), longestName)
	return cutEnd(sentence{finding: f, image: max(shortestImage, shown-excess)}.String(), longestWarning)
}

// sentence is a finding with what is to be said of it.
type sentence struct {
	finding imagepull.Finding
	// image is the largest number of characters of the image.
	image int
	fix   bool
}

// String puts the parts together: where, image, outcome, cause, fix.
func (s sentence) String() string {
	var b strings.Builder
	if s.finding.Kind != imagepull.Bare {
		b.WriteString(s.finding.Kind.String() + ` "` + cutMiddle(escape(s.finding.Name), longestName) + `": `)
	}
	b.WriteString(`image "` + cutMiddle(escape(s.finding.Image), s.image) + `"`)
	if remarksOnly(s.finding) {
		b.WriteString(": " + strings.Join(remarks(s.finding), "; "))
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

// remarksOnly reports whether the finding says nothing but its remarks.
func remarksOnly(f imagepull.Finding) bool {
	return f.Outcome() == imagepull.Pullable && len(f.Warnings) > 0
}

// remarks returns each advice as "reason: message".
func remarks(f imagepull.Finding) []string {
	all := make([]string, 0, len(f.Warnings))
	for _, advice := range f.Warnings {
		all = append(all, string(advice.Reason)+": "+printable(advice.Message))
	}
	return all
}

// cause is the detail with whatever the remarks add to it, such as a missing pull secret behind a refusal.
func cause(f imagepull.Finding) string {
	var parts []string
	if f.Detail != "" {
		parts = append(parts, printable(f.Detail))
	}
	for _, advice := range f.Warnings {
		if !strings.Contains(f.Detail, advice.Message) {
			parts = append(parts, printable(advice.Message))
		}
	}
	return strings.Join(parts, "; ")
}

// fixOf prefers the verdict's own fix to that of its reason.
func fixOf(v imagepull.Verdict) string {
	if v.Fix != "" {
		return printable(v.Fix)
	}
	return v.Reason.Fix()
}

// verb says of each reason what is true of the image. Doubt has two kinds: no answer, and one that depends on the node.
func verb(r imagepull.Reason) string {
	switch r {
	case imagepull.ReasonPullable:
		return "can be pulled"
	case imagepull.ReasonPresentOnNode:
		return "is on the nodes"
	case imagepull.ReasonNotChecked, imagepull.ReasonEgressForbidden:
		return "was not checked"
	case imagepull.ReasonNodeCredentials, imagepull.ReasonNodeCache, imagepull.ReasonSomePlatforms:
		return "may not be pullable"
	case imagepull.ReasonInvalidImageName, imagepull.ReasonInvalidPullSecret, imagepull.ReasonNotFound,
		imagepull.ReasonAccessDenied, imagepull.ReasonPlatformMismatch, imagepull.ReasonUnsupportedImage,
		imagepull.ReasonInsecureRegistry, imagepull.ReasonBlobMissing, imagepull.ReasonNeverPresent:
		return "cannot be pulled"
	case imagepull.ReasonRegistryUnavailable, imagepull.ReasonRateLimited, imagepull.ReasonDeadlineExceeded,
		imagepull.ReasonNodeLocalRegistry:
	}
	return "could not be checked"
}
