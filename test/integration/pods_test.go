package integration

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// testPods covers the verdicts, and every place of a pod where an image is used.
func testPods(t *testing.T, e *environment) {
	testPodCases(t, e, registryCases())
	testPodCases(t, e, doubtCases())
	testPodCases(t, e, e.placeCases())
}

// registryCases are what registries say for certain, and an image that only the nodes could have.
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
		"certainty beats doubt": {
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
		"policy Never": {
			images: []string{imageGone},
			change: func(pod *corev1.Pod) { pod.Spec.Containers[0].ImagePullPolicy = corev1.PullNever },
			want: outcome{
				Denied:  `container "web": image "REGISTRY/public/web:gone" cannot be pulled: NeverPresent: no node that the pod can run on reports the image, which takes up to a minute after loading it; load the image onto the nodes or change imagePullPolicy`,
				Audited: "Unpullable NeverPresent",
			},
		},
	}
}

// doubtCases are what is admitted with a warning.
func doubtCases() map[string]podCase {
	return map[string]podCase{
		"registry is down": {
			images: []string{"DOWNALONE/web:1"},
			want: outcome{
				Warnings: []string{`container "web": image "DOWNALONE/web:1" could not be checked: RegistryUnavailable: connection refused`},
				Audited:  "Indeterminate RegistryUnavailable",
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

// placeCases are the places of a pod, besides its containers, where an image is used.
func (e *environment) placeCases() map[string]podCase {
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
		"image volume": {
			images: []string{imagePublic},
			change: e.withImageVolume(corev1.VolumeMount{Name: "data", MountPath: "/data"}),
			want: outcome{
				Denied:  `volume "data": image "REGISTRY/public/web:gone" cannot be pulled: NotFound: tag not found; push the image or correct its name`,
				Audited: "Unpullable NotFound",
			},
		},
		"image volume that nothing mounts": {
			images: []string{imagePublic},
			change: e.withImageVolume(),
			want: outcome{
				Warnings: []string{`volume "data": image "HEAD…lic/web:gone": UnmountedImageVolume: no container mounts the volume, whose image cannot be pulled: tag not found`},
				Audited:  "Pullable NotChecked",
			},
		},
	}
}

// goneDenied is what is said of imageGone.
const goneDenied = `container "web": image "REGISTRY/public/web:gone" cannot be pulled: NotFound: tag not found; push the image or correct its name`

// goneWarning is the same in short.
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
