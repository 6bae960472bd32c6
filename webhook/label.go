package webhook

import (
	"encoding/json"
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"github.com/pullgate/pullgate/webhook/policy"
)

// validateModeLabel admits a namespace, and warns if its label holds an unknown mode.
func validateModeLabel(req admission.Request) admission.Response {
	var meta metav1.PartialObjectMetadata
	if err := json.Unmarshal(req.Object.Raw, &meta); err != nil {
		return allowed()
	}
	if _, known := policy.ModeOf(meta.Labels, policy.ModeWarn); known {
		return allowed()
	}
	var modes []string
	for _, mode := range policy.Modes() {
		modes = append(modes, string(mode))
	}
	return allowedWithWarning(fmt.Sprintf("label %s: %q is not one of %s; it acts as %s",
		policy.LabelMode, meta.Labels[policy.LabelMode], strings.Join(modes, ", "), policy.ModeWarn))
}
