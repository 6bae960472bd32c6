package truth_test

import (
	"testing"

	"github.com/pullgate/pullgate/test/truth"
	"github.com/pullgate/pullgate/webhook/imagepull"
)

func TestCompare(t *testing.T) {
	t.Parallel()
	pulled, failed := truth.Recorded{Outcome: truth.Pulled}, truth.Recorded{Outcome: truth.Failed, Reason: "ImagePullBackOff"}
	predicted := func(r imagepull.Reason) truth.Predicted { return truth.Predicted{Outcome: r.Outcome(), Reason: r} }
	const pullable, notFound, down = imagepull.ReasonPullable, imagepull.ReasonNotFound, imagepull.ReasonRegistryUnavailable
	tests := map[string]struct {
		expect    imagepull.Reason
		miss      string
		kubelet   truth.Recorded
		predicted truth.Predicted
		want      truth.Agreement
	}{
		"both succeed":                              {pullable, "", pulled, predicted(pullable), truth.Agrees},
		"both fail":                                 {notFound, "", failed, predicted(notFound), truth.Agrees},
		"a later success":                           {pullable, "", truth.Recorded{Outcome: truth.PulledLater}, predicted(pullable), truth.Agrees},
		"an indeterminate reason":                   {down, "", failed, predicted(down), truth.Indeterminate},
		"a false denial":                            {notFound, "", pulled, predicted(notFound), truth.FalseDenial},
		"an unpredicted failure":                    {pullable, "", failed, predicted(pullable), truth.Unpredicted},
		"an unpredicted hanging pull":               {pullable, "", truth.Recorded{Outcome: truth.Hanging}, predicted(pullable), truth.Unpredicted},
		"a known miss":                              {pullable, "unseen", failed, predicted(pullable), truth.KnownMiss},
		"another reason":                            {notFound, "", failed, predicted(imagepull.ReasonAccessDenied), truth.UnexpectedReason},
		"Pullable without a reason":                 {pullable, "", pulled, truth.Predicted{Outcome: imagepull.Pullable}, truth.Agrees},
		"an indeterminate verdict without a reason": {pullable, "", pulled, truth.Predicted{}, truth.UnexpectedReason},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &truth.Scenario{Expect: tt.expect, Miss: tt.miss}
			if got := s.Compare(tt.kubelet, tt.predicted); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			if problem := s.Problem(tt.kubelet, tt.predicted); (problem == "") != (tt.want <= truth.KnownMiss) {
				t.Errorf("got problem %q of %s", problem, tt.want)
			}
		})
	}
}
