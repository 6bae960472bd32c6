package integration

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
)

// testUpdates updates a pod whose image was deleted after its creation.
func testUpdates(t *testing.T, e *environment) {
	setImage := func(image string) func(*caller, *corev1.Pod) response {
		return func(c *caller, pod *corev1.Pod) response {
			pod.Spec.Containers[0].Image = e.registry.expand(image)
			return c.update(pod)
		}
	}
	debug := func(image string) func(*caller, *corev1.Pod) response {
		return func(c *caller, pod *corev1.Pod) response {
			pod.Spec.EphemeralContainers = append(pod.Spec.EphemeralContainers, corev1.EphemeralContainer{
				EphemeralContainerCommon: corev1.EphemeralContainerCommon{Name: "debug", Image: e.registry.expand(image)},
			})
			return c.updateEphemeralContainers(pod)
		}
	}
	for name, test := range map[string]struct {
		do   func(*caller, *corev1.Pod) response
		want outcome
	}{
		"existing image": {do: setImage("REGISTRY/public/web:1.28")},
		"missing image": {
			do:   setImage(imageGone),
			want: outcome{Denied: goneDenied, Audited: gone},
		},
		"label of a pod whose image is missing": {
			do: func(c *caller, pod *corev1.Pod) response {
				pod.Labels = map[string]string{"app": "web"}
				return c.update(pod)
			},
		},
		"ephemeral container with an existing image": {do: debug(imagePublic)},
		"ephemeral container with a missing image": {
			do: debug(imageGone),
			want: outcome{
				Denied:  `ephemeral container "debug": image "REGISTRY/public/web:gone" cannot be pulled: NotFound: tag not found; push the image or correct its name`,
				Audited: gone,
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			namespace, c := e.namespace(t, "enforce"), e.caller(t)
			tag := "once/" + namespace + ":1"
			e.push(t, "public/"+tag)
			pod := newPod(namespace, e.registry.host+"/public/"+tag)
			c.must(c.create(pod))
			if err := e.registry.server.Delete("public/" + tag); err != nil {
				t.Fatal(err)
			}
			got := outcomeOf(t, test.do(c, pod), e.audit.await(t, "update", "pods", namespace, 1), podsWebhook)
			if diff := cmp.Diff(test.want.expand(e.registry), got); diff != "" {
				t.Errorf("outcome (-want +got):\n%s", diff)
			}
		})
	}
}

func (e *environment) push(t *testing.T, image string) {
	t.Helper()
	if _, err := e.registry.server.PushImage(image); err != nil {
		t.Fatalf("pushing %s: %v", image, err)
	}
}
