package truth_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/pullgate/pullgate/test/truth"
	"github.com/pullgate/pullgate/webhook/imagepull"
)

func waiting(reason, message string) corev1.ContainerState {
	return corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message}}
}

func TestObserve(t *testing.T) {
	t.Parallel()
	running := corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}
	tests := map[string]struct {
		states []corev1.ContainerState
		want   truth.Recorded
		done   bool
	}{
		"nothing yet":   {nil, truth.Recorded{Outcome: truth.Hanging}, false},
		"creating":      {[]corev1.ContainerState{waiting("ContainerCreating", "")}, truth.Recorded{Outcome: truth.Hanging}, false},
		"running":       {[]corev1.ContainerState{running}, truth.Recorded{Outcome: truth.Pulled}, true},
		"cannot start":  {[]corev1.ContainerState{waiting("CreateContainerError", "no command")}, truth.Recorded{Outcome: truth.Pulled}, true},
		"first failure": {[]corev1.ContainerState{waiting("ErrImagePull", "x")}, truth.Recorded{Outcome: truth.Failed, Reason: "ErrImagePull", Message: "x"}, false},
		"back-off": {
			[]corev1.ContainerState{waiting("ImagePullBackOff", "10.90.1.2:443 lacks sha256:"+digest)},
			truth.Recorded{Outcome: truth.Failed, Reason: "ImagePullBackOff", Message: "ADDRESS lacks DIGEST"}, true,
		},
		"an error that is its own reason": {
			[]corev1.ContainerState{waiting("illegal base64 data at input byte 0", "")},
			truth.Recorded{Outcome: truth.Failed, Reason: "illegal base64 data at input byte 0"}, true,
		},
		"one of two fails": {
			[]corev1.ContainerState{running, waiting("InvalidImageName", "")},
			truth.Recorded{Outcome: truth.Failed, Reason: "InvalidImageName"}, true,
		},
		"one of two runs": {[]corev1.ContainerState{running, waiting("PodInitializing", "")}, truth.Recorded{Outcome: truth.Hanging}, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pod := &corev1.Pod{Spec: corev1.PodSpec{Containers: make([]corev1.Container, max(1, len(tt.states)))}}
			for _, state := range tt.states {
				pod.Status.ContainerStatuses = append(pod.Status.ContainerStatuses, corev1.ContainerStatus{State: state})
			}
			got, done := truth.Observe(pod)
			if diff := cmp.Diff(tt.want, got); diff != "" || done != tt.done {
				t.Errorf("done is %v, want %v (-want +got):\n%s", done, tt.done, diff)
			}
		})
	}
}

const digest = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

func TestJudge(t *testing.T) {
	t.Parallel()
	pulled, failed := truth.Recorded{Outcome: truth.Pulled}, truth.Recorded{Outcome: truth.Failed, Reason: "ImagePullBackOff"}
	foretold := func(r imagepull.Reason) truth.Foretold { return truth.Foretold{Outcome: r.Outcome(), Reason: r} }
	const pullable, notFound, down = imagepull.ReasonPullable, imagepull.ReasonNotFound, imagepull.ReasonRegistryUnavailable
	tests := map[string]struct {
		expect   imagepull.Reason
		miss     string
		kubelet  truth.Recorded
		foretold truth.Foretold
		want     truth.Agreement
	}{
		"both say yes":                   {pullable, "", pulled, foretold(pullable), truth.Agrees},
		"both say no":                    {notFound, "", failed, foretold(notFound), truth.Agrees},
		"later is a pull":                {pullable, "", truth.Recorded{Outcome: truth.PulledLater}, foretold(pullable), truth.Agrees},
		"a doubt":                        {down, "", failed, foretold(down), truth.Doubts},
		"a false denial":                 {notFound, "", pulled, foretold(notFound), truth.FalseDenial},
		"unforetold":                     {pullable, "", failed, foretold(pullable), truth.Unforetold},
		"hanging, unforetold":            {pullable, "", truth.Recorded{Outcome: truth.Hanging}, foretold(pullable), truth.Unforetold},
		"a stated miss":                  {pullable, "unseen", failed, foretold(pullable), truth.Misses},
		"another reason":                 {notFound, "", failed, foretold(imagepull.ReasonAccessDenied), truth.Unexplained},
		"nobody said why":                {pullable, "", pulled, truth.Foretold{Outcome: imagepull.Pullable}, truth.Agrees},
		"nobody said why it is in doubt": {pullable, "", pulled, truth.Foretold{}, truth.Unexplained},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &truth.Scenario{Expect: tt.expect, Miss: tt.miss}
			if got := s.Judge(tt.kubelet, tt.foretold); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			if problem := s.Problem(tt.kubelet, tt.foretold); (problem == "") != (tt.want <= truth.Misses) {
				t.Errorf("got problem %q of %s", problem, tt.want)
			}
		})
	}
}
