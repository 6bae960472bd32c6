package webhook

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/report"
)

// loggedFinding is a finding in the log. In JSON it is an object, in text it is one phrase.
type loggedFinding struct {
	Path    string            `json:"path"`
	Image   string            `json:"image"`
	Outcome imagepull.Outcome `json:"outcome"`
	Reason  imagepull.Reason  `json:"reason"`
	Detail  string            `json:"detail,omitempty"`
	// Origin is the source of the verdict, with its age.
	Origin string `json:"origin"`
	// Credential is the source of the credential that was sent, or "anonymous". It is empty if no registry was involved.
	Credential string   `json:"credential,omitempty"`
	Warnings   []string `json:"warnings,omitempty"`
}

// String implements fmt.Stringer.
func (f loggedFinding) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %q %s %s", f.Path, f.Image, f.Outcome, f.Reason)
	if f.Detail != "" {
		b.WriteString(": " + f.Detail)
	}
	b.WriteString(" (" + f.Origin)
	if f.Credential != "" {
		b.WriteString(", " + f.Credential)
	}
	return b.String() + ")"
}

// loggedFindings returns the findings for the log: at most maxReported, and those first that may have changed the decision.
func loggedFindings(findings []imagepull.Finding) []loggedFinding {
	sorted := slices.Clone(findings)
	slices.SortStableFunc(sorted, func(a, b imagepull.Finding) int { return cmp.Compare(rank(a), rank(b)) })
	logged := make([]loggedFinding, 0, min(len(findings), maxReported))
	for _, f := range truncate(sorted) {
		logged = append(logged, newLoggedFinding(f))
	}
	return logged
}

func newLoggedFinding(f imagepull.Finding) loggedFinding {
	logged := loggedFinding{
		Path: f.Path, Image: report.Bounded(f.Image), Outcome: f.Outcome(), Reason: f.Reason, Detail: report.Bounded(f.Detail),
		Origin: f.Provenance(),
	}
	if f.Origin != "" {
		logged.Credential = report.Bounded(imagepull.Credential{Source: f.Credential}.String())
	}
	for _, w := range f.Warnings {
		logged.Warnings = append(logged.Warnings, string(w.Reason))
	}
	return logged
}

// rank orders findings: unpullable, indeterminate, pullable with a warning, pullable.
func rank(f imagepull.Finding) int {
	switch f.Outcome() {
	case imagepull.Unpullable:
		return 0
	case imagepull.Indeterminate:
		return 1
	case imagepull.Pullable:
	}
	if len(f.Warnings) > 0 {
		return 2
	}
	return 3
}
