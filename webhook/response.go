package webhook

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/policy"
	"github.com/pullgate/pullgate/webhook/report"
)

// The keys of the audit annotations. The API server prefixes them with the webhook's name.
const (
	annotationOutcome  = "outcome"
	annotationReasons  = "reasons"
	annotationFindings = "findings"
)

const (
	// maxTold bounds how many findings of one object are told, to the caller or in the log, however many images its author
	// wrote.
	maxTold = 64
	// maxAnnotation bounds the findings in one audit event, in bytes.
	maxAnnotation = 4096
	// omissionBytes is what the note on omitted findings takes at most, with the comma before and the bracket behind it.
	omissionBytes = 32
)

// told returns the findings that are told of.
func told(findings []imagepull.Finding) []imagepull.Finding {
	return findings[:min(len(findings), maxTold)]
}

// allowed is the answer to what there is nothing to say of.
func allowed() admission.Response { return respond(policy.Decision{}) }

// allowedWithWarning is the answer when Pullgate could not do its work.
func allowedWithWarning(text string) admission.Response {
	r := allowed()
	r.Warnings = []string{report.Bounded(text)}
	return r
}

// respond words a decision. The code and reason of a denial are those that kubectl shows unchanged, as "Error from server
// (Forbidden)".
func respond(d policy.Decision) admission.Response {
	r := admission.Response{AdmissionResponse: admissionv1.AdmissionResponse{
		Allowed:          d.Allowed(),
		AuditAnnotations: annotations(d.Audited),
		Warnings:         warnings(d.Warnings),
	}}
	if d.Allowed() {
		r.Result = &metav1.Status{Code: http.StatusOK}
		return r
	}
	r.Result = &metav1.Status{
		Status:  metav1.StatusFailure,
		Code:    http.StatusForbidden,
		Reason:  metav1.StatusReasonForbidden,
		Message: message(d.Denials),
	}
	return r
}

// message says one line for each finding.
func message(denials []imagepull.Finding) string {
	var lines []string
	for _, f := range told(denials) {
		lines = append(lines, report.Line(f))
	}
	if more := len(denials) - len(lines); more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(lines, "\n")
}

func warnings(findings []imagepull.Finding) []string {
	var texts []string
	for _, f := range told(findings) {
		texts = append(texts, report.Warning(f))
	}
	return texts
}

// auditedFinding is a finding in an audit annotation.
type auditedFinding struct {
	Path    string            `json:"path"`
	Image   string            `json:"image"`
	Outcome imagepull.Outcome `json:"outcome"`
	Reason  imagepull.Reason  `json:"reason"`
}

// annotations tell the audit log what the caller may not have been told.
func annotations(findings []imagepull.Finding) map[string]string {
	if len(findings) == 0 {
		return nil
	}
	var reasons []string
	worst := imagepull.Pullable
	for _, f := range findings {
		reasons = append(reasons, string(f.Reason))
		if f.Outcome() == imagepull.Unpullable || worst == imagepull.Pullable {
			worst = f.Outcome()
		}
	}
	slices.Sort(reasons)
	return map[string]string{
		annotationOutcome:  worst.String(),
		annotationReasons:  strings.Join(slices.Compact(reasons), ","),
		annotationFindings: auditedFindings(findings),
	}
}

// auditedFindings is a JSON list that leaves out the last findings when they don't fit, and says so.
func auditedFindings(findings []imagepull.Finding) string {
	list := []byte{'['}
	for i, f := range findings {
		if i > 0 {
			list = append(list, ',')
		}
		// Texts always encode.
		element, _ := json.Marshal(auditedFinding{f.Path, report.Bounded(f.Image), f.Outcome(), f.Reason})
		if len(list)+len(element)+omissionBytes > maxAnnotation {
			list = fmt.Appendf(list, `{"omitted":%d}`, len(findings)-i)
			break
		}
		list = append(list, element...)
	}
	return string(append(list, ']'))
}
