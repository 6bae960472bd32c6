package imagepull_test

import (
	"strings"
	"testing"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

func TestEveryReasonButPullableHasAFix(t *testing.T) {
	t.Parallel()
	for _, reason := range imagepull.Reasons() {
		t.Run(string(reason), func(t *testing.T) {
			t.Parallel()
			fix := reason.Fix()
			if hasFix, want := fix != "", reason.Outcome() != imagepull.Pullable; hasFix != want {
				t.Errorf("Fix() = %q for an outcome of %s", fix, reason.Outcome())
			}
			if strings.ContainsAny(fix, "\n\r\t") || strings.HasSuffix(fix, ".") {
				t.Errorf("Fix() = %q, want part of a sentence", fix)
			}
		})
	}
}

func TestUnknownReasonHasNoFix(t *testing.T) {
	t.Parallel()
	if fix := imagepull.Reason("").Fix(); fix != "" {
		t.Errorf("Fix() of the zero reason = %q, want none", fix)
	}
}
