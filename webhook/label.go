package webhook

import (
	"fmt"
	"strings"

	admissionv1 "k8s.io/api/admission/v1"

	"github.com/pullgate/pullgate/webhook/policy"
)

// validateModeLabel admits a namespace with these labels, and warns if the mode is unknown.
func validateModeLabel(labels map[string]string) *admissionv1.AdmissionResponse {
	if _, known := policy.ModeOf(labels, policy.ModeWarn); known {
		return allowed()
	}
	var modes []string
	for _, mode := range policy.Modes() {
		modes = append(modes, string(mode))
	}
	return allowedWithWarning(fmt.Sprintf("label %s: %q is not one of %s; it acts as %s",
		policy.LabelMode, labels[policy.LabelMode], strings.Join(modes, ", "), policy.ModeWarn))
}
