package truth_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/pullgate/pullgate/test/truth"
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
		"no status yet": {nil, truth.Recorded{Outcome: truth.Hanging}, false},
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
