package integration

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/version"
	"k8s.io/client-go/discovery"
)

// testPods checks the verdicts, and every field of a pod that has an image.
func testPods(t *testing.T, e *environment) {
	testPodCases(t, e, registryCases())
	testPodCases(t, e, indeterminateCases())
	testPodCases(t, e, e.fieldCases())
	t.Run("image volumes", func(t *testing.T) {
		t.Parallel()
		if e.hasImageVolumes(t) {
			testPodCases(t, e, e.imageVolumeCases())
			return
		}
		pod := newPod(e.namespace(t, "enforce"), e.registry.expand(imagePublic))
		e.withImageVolume()(pod)
		if got := e.caller(t).create(pod); got.err != nil || len(got.warnings) > 0 {
			t.Errorf("got error %v and warnings %q, want an admission without the image that the API server drops", got.err, got.warnings)
		}
	})
}

// registryCases are images with a certain verdict, and an image with policy Never.
func registryCases() map[string]podCase {
	return map[string]podCase{
		"pullable":            {images: []string{imagePublic}},
		"pullable by digest":  {images: []string{imageDigest}},
		"index for the nodes": {images: []string{"REGISTRY/public/multi:1"}},
		"missing tag": {
			images: []string{imageGone},
			want:   outcome{Denied: goneDenied, Audited: "Unpullable NotFound"},
		},
		"missing repository": {
			images: []string{"REGISTRY/public/none:1"},
			want: outcome{
				Denied:  `container "web": image "REGISTRY/public/none:1" cannot be pulled: NotFound: repository not found; push the image or correct its name`,
				Audited: "Unpullable NotFound",
			},
		},
		"two of three": {
			images: []string{"REGISTRY/public/web:a", imagePublic, "REGISTRY/public/web:b"},
			want: outcome{
				Denied: `container "web": image "REGISTRY/public/web:a" cannot be pulled: NotFound: tag not found; push the image or correct its name` + "\n" +
					`container "web-more-more": image "REGISTRY/public/web:b" cannot be pulled: NotFound: tag not found; push the image or correct its name`,
				Audited: "Unpullable NotFound",
			},
		},
		"unpullable and indeterminate": {
			images: []string{imageDown, imageGone},
			want: outcome{
				Denied:  `container "web-more": image "REGISTRY/public/web:gone" cannot be pulled: NotFound: tag not found; push the image or correct its name`,
				Audited: "Unpullable NotFound,RegistryUnavailable",
			},
		},
		"name that does not parse": {
			images: []string{"REGISTRY/Shop/web"},
			want: outcome{
				Denied:  `container "web": image "REGISTRY/Shop/web" cannot be pulled: InvalidImageName: repository name must be lowercase; correct the image name`,
				Audited: "Unpullable InvalidImageName",
			},
		},
		"no platform fits": {
			images: []string{"REGISTRY/public/arm:1"},
			want: outcome{
				Denied:  `container "web": image "REGISTRY/public/arm:1" cannot be pulled: PlatformMismatch: the image index offers linux/arm64, the nodes are linux/amd64; build the image for the nodes' platform or select other nodes`,
				Audited: "Unpullable PlatformMismatch",
			},
		},
		"schema 1": {
			images: []string{"REGISTRY/public/old:1"},
			want: outcome{
				Denied:  `container "web": image "REGISTRY/public/old:1" cannot be pulled: UnsupportedImage: the image has the old schema 1 format; rebuild the image as an OCI or Docker schema 2 image`,
				Audited: "Unpullable UnsupportedImage",
			},
		},
	}
}

// indeterminateCases are images that are admitted with a warning.
func indeterminateCases() map[string]podCase {
	return map[string]podCase{
		"registry is down": {
			images: []string{"DOWNALONE/web:1"},
			want: outcome{
				Warnings: []string{`container "web": image "DOWNALONE/web:1" could not be checked: RegistryUnavailable: connection refused`},
				Audited:  "Indeterminate RegistryUnavailable",
			},
		},
		"policy Never": {
			images: []string{imageGone},
			change: func(pod *corev1.Pod) { pod.Spec.Containers[0].ImagePullPolicy = corev1.PullNever },
			want: outcome{
				Warnings: []string{`container "web": image "HEAD…lic/web:gone" may not be pullable: NeverPresent: no node that the pod can run on reports the image, which takes up to a minute after loading it`},
				Audited:  "Indeterminate NeverPresent",
			},
		},
		"rate limit": {
			images: []string{limiting + "/limited/web:1"},
			want: outcome{
				Warnings: []string{`container "web": image "LIMITED…imited/web:1" could not be checked: RateLimited: the registry limits the rate of requests`},
				Audited:  "Indeterminate RateLimited",
			},
		},
		"registry of the node": {
			images: []string{"localhost:5000/web:1"},
			want: outcome{
				Warnings: []string{`container "web": image "localhost:5000/web:1" could not be checked: NodeLocalRegistry: a loopback registry is the node's own, which Pullgate cannot reach`},
				Audited:  "Indeterminate NodeLocalRegistry",
			},
		},
	}
}

// fieldCases are the fields of a pod with images other than its containers.
func (e *environment) fieldCases() map[string]podCase {
	return map[string]podCase{
		"init container": {
			images: []string{imagePublic},
			change: e.withInitContainer(nil),
			want: outcome{
				Denied:  `init container "init": image "REGISTRY/public/web:gone" cannot be pulled: NotFound: tag not found; push the image or correct its name`,
				Audited: "Unpullable NotFound",
			},
		},
		"sidecar": {
			images: []string{imagePublic},
			change: e.withInitContainer(new(corev1.ContainerRestartPolicyAlways)),
			want: outcome{
				Denied:  `init container "init": image "REGISTRY/public/web:gone" cannot be pulled: NotFound: tag not found; push the image or correct its name`,
				Audited: "Unpullable NotFound",
			},
		},
	}
}

// hasImageVolumes reports whether the API server has image volumes. Kubernetes 1.35 is the first version that switches them on. An
// older one drops the image, so that the volume is an emptyDir.
func (e *environment) hasImageVolumes(t *testing.T) bool {
	t.Helper()
	c, err := discovery.NewDiscoveryClientForConfigAndClient(e.config, e.http)
	if err != nil {
		t.Fatalf("making a client: %v", err)
	}
	info, err := c.ServerVersion()
	if err != nil {
		t.Fatalf("reading the version of the API server: %v", err)
	}
	return version.MustParseSemantic(info.GitVersion).AtLeast(version.MajorMinor(1, 35))
}

func (e *environment) imageVolumeCases() map[string]podCase {
	return map[string]podCase{
		"mounted": {
			images: []string{imagePublic},
			change: e.withImageVolume(corev1.VolumeMount{Name: "data", MountPath: "/data"}),
			want: outcome{
				Denied:  `volume "data": image "REGISTRY/public/web:gone" cannot be pulled: NotFound: tag not found; push the image or correct its name`,
				Audited: "Unpullable NotFound",
			},
		},
		"not mounted": {
			images: []string{imagePublic},
			change: e.withImageVolume(),
			want: outcome{
				Warnings: []string{`volume "data": image "HEAD…lic/web:gone": UnmountedImageVolume: no container mounts the volume, whose image cannot be pulled: tag not found`},
				Audited:  "Pullable NotChecked",
			},
		},
	}
}

// goneDenied is the denial of imageGone.
const goneDenied = `container "web": image "REGISTRY/public/web:gone" cannot be pulled: NotFound: tag not found; push the image or correct its name`

// goneWarning is the warning about imageGone.
const goneWarning = `container "web": image "REGISTRY/public/web:gone" cannot be pulled: NotFound: tag not found`

func (e *environment) withInitContainer(policy *corev1.ContainerRestartPolicy) func(*corev1.Pod) {
	return func(pod *corev1.Pod) {
		pod.Spec.InitContainers = []corev1.Container{{
			Name: "init", Image: e.registry.expand(imageGone), RestartPolicy: policy,
		}}
	}
}

func (e *environment) withImageVolume(mounts ...corev1.VolumeMount) func(*corev1.Pod) {
	return func(pod *corev1.Pod) {
		source := &corev1.ImageVolumeSource{Reference: e.registry.expand(imageGone)}
		pod.Spec.Volumes = []corev1.Volume{{Name: "data", VolumeSource: corev1.VolumeSource{Image: source}}}
		pod.Spec.Containers[0].VolumeMounts = mounts
	}
}
