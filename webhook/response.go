package webhook

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/policy"
	"github.com/pullgate/pullgate/webhook/report"
)

// The keys of the audit annotations. The API server prefixes them with the webhook's name.
const (
	annotationOutcome  = "outcome"
	annotationReasons  = "reasons"
	annotationFindings = "findings"
	annotationExempted = "exempted-by"
)

const (
	// maxReported bounds the findings of one object in a response or in the log. The pod's author chooses the number of
	// images.
	maxReported = 64
	// maxAnnotation bounds the findings in one audit event, in bytes.
	maxAnnotation = 4096
	// omissionBytes bounds the entry about omitted findings, with the comma before it and the bracket after it.
	omissionBytes = 32
)

// truncate returns at most maxReported findings.
func truncate(findings []imagepull.Finding) []imagepull.Finding {
	return findings[:min(len(findings), maxReported)]
}

// allowed returns a response that admits without a warning.
func allowed() *admissionv1.AdmissionResponse { return respond(policy.Decision{}) }

// allowedWithWarning returns the response if Pullgate could not check the object.
func allowedWithWarning(text string) *admissionv1.AdmissionResponse {
	r := allowed()
	r.Warnings = []string{report.Bounded(text)}
	return r
}

// exempted returns the response to an object that an exemption selects.
func exempted(by policy.Exemption) *admissionv1.AdmissionResponse {
	r := allowed()
	r.AuditAnnotations = map[string]string{annotationExempted: string(by)}
	return r
}

// respond returns the response to a decision. kubectl prints the code and reason of a denial as "Error from server
// (Forbidden)".
func respond(d policy.Decision) *admissionv1.AdmissionResponse {
	r := &admissionv1.AdmissionResponse{
		Allowed:          d.Allowed(),
		AuditAnnotations: annotations(d.Audited),
		Warnings:         warnings(d.Warnings),
	}
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

// message returns one line for each finding.
func message(denials []imagepull.Finding) string {
	var lines []string
	for _, f := range truncate(denials) {
		lines = append(lines, report.Line(f))
	}
	if more := len(denials) - len(lines); more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(lines, "\n")
}

func warnings(findings []imagepull.Finding) []string {
	var texts []string
	for _, f := range truncate(findings) {
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

// annotations returns the audit annotations. In mode audit they are the only report of the findings.
func annotations(findings []imagepull.Finding) map[string]string {
	if len(findings) == 0 {
		return nil
	}
	var reasons []string
	outcome := imagepull.Pullable
	for _, f := range findings {
		reasons = append(reasons, string(f.Reason))
		if f.Outcome() == imagepull.Unpullable || outcome == imagepull.Pullable {
			outcome = f.Outcome()
		}
	}
	slices.Sort(reasons)
	return map[string]string{
		annotationOutcome:  outcome.String(),
		annotationReasons:  strings.Join(slices.Compact(reasons), ","),
		annotationFindings: auditedFindings(findings),
	}
}

// auditedFindings returns a JSON list of the findings. If they exceed maxAnnotation, the last entry counts the omitted ones.
func auditedFindings(findings []imagepull.Finding) string {
	list := []byte{'['}
	for i, f := range findings {
		if i > 0 {
			list = append(list, ',')
		}
		// Marshalling strings returns no error.
		element, _ := json.Marshal(auditedFinding{f.Path, report.Bounded(f.Image), f.Outcome(), f.Reason})
		if len(list)+len(element)+omissionBytes > maxAnnotation {
			list = fmt.Appendf(list, `{"omitted":%d}`, len(findings)-i)
			break
		}
		list = append(list, element...)
	}
	return string(append(list, ']'))
}
