package manifests_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"

	"github.com/pullgate/pullgate/certs"
)

func loadDeployment(t *testing.T) *appsv1.Deployment {
	t.Helper()
	return decode[*appsv1.Deployment](t, "base/50-deployment.yaml")
}

// Every pod of every overlay has the restricted Pod Security profile, a read-only root, and no way to the node.
func TestPodsOfEveryOverlayAreRestricted(t *testing.T) {
	t.Parallel()
	for _, overlay := range overlays() {
		objects := render(t, overlay)
		deployments := ofKind[appsv1.Deployment](t, objects, "Deployment")
		if len(deployments) != 1 {
			t.Fatalf("%s has %d Deployments, want 1", overlay, len(deployments))
		}
		for _, kind := range []string{"Pod", "DaemonSet", "StatefulSet", "Job", "CronJob", "ReplicaSet"} {
			if n := len(ofKind[map[string]any](t, objects, kind)); n != 0 {
				t.Errorf("%s has %d objects of kind %s, want only the Deployment", overlay, n, kind)
			}
		}
		spec := deployments[0].Spec.Template.Spec
		if len(spec.Containers) != 1 || len(spec.InitContainers) != 0 {
			t.Fatalf("%s: got %d containers and %d init containers, want one container", overlay, len(spec.Containers), len(spec.InitContainers))
		}
		pod, container := spec.SecurityContext, spec.Containers[0].SecurityContext
		tests := map[string]struct{ got, want any }{
			"no root":                 {*pod.RunAsNonRoot, true},
			"user":                    {*pod.RunAsUser, int64(65532)},
			"group of the files":      {*pod.FSGroup, int64(65532)},
			"seccomp":                 {pod.SeccompProfile.Type, corev1.SeccompProfileTypeRuntimeDefault},
			"no privilege escalation": {*container.AllowPrivilegeEscalation, false},
			"read-only root":          {*container.ReadOnlyRootFilesystem, true},
			"no capabilities":         {container.Capabilities, &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}}},
			"not privileged":          {container.Privileged, (*bool)(nil)},
			"nothing of the node":     {[]bool{spec.HostNetwork, spec.HostPID, spec.HostIPC}, []bool{false, false, false}},
			"no command":              {len(spec.Containers[0].Command), 0},
			"no volume of the node":   {hostPaths(spec.Volumes), []string(nil)},
		}
		for name, tc := range tests {
			t.Run(overlay+"/"+name, func(t *testing.T) {
				t.Parallel()
				if diff := cmp.Diff(tc.want, tc.got); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		}
	}
}

// The SCC restricted-v2 of OpenShift assigns user and group, and refuses others. The rest of the profile stays.
func TestOpenShiftAssignsUserAndGroup(t *testing.T) {
	t.Parallel()
	objects := renderOnto(t, "components/openshift", render(t, "self-signed"))
	got := ofKind[appsv1.Deployment](t, objects, "Deployment")[0].Spec.Template.Spec.SecurityContext
	want := loadDeployment(t).Spec.Template.Spec.SecurityContext
	want.RunAsUser, want.RunAsGroup, want.FSGroup = nil, nil, nil
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("security context (-want +got):\n%s", diff)
	}
}

func hostPaths(volumes []corev1.Volume) []string {
	var paths []string
	for _, v := range volumes {
		if v.HostPath != nil {
			paths = append(paths, v.HostPath.Path)
		}
	}
	return paths
}

// The image has one file more than its base, which has no shell. The user is a number, as runAsNonRoot requires.
func TestImageHasNoShell(t *testing.T) {
	t.Parallel()
	const stage = "\nFROM ${BASE}\n"
	dockerfile := string(read(t, "../Dockerfile"))
	_, image, ok := strings.Cut(dockerfile, stage)
	if !ok {
		t.Fatalf("the Dockerfile lacks %q", stage)
	}
	var instructions []string
	for line := range strings.Lines(image) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch word {
		case "COPY", "ADD", "RUN", "USER", "ENTRYPOINT", "CMD", "SHELL":
			instructions = append(instructions, word+" "+rest)
		}
	}
	want := []string{"COPY --from=build /pullgate /pullgate", "USER 65532:65532", `ENTRYPOINT ["/pullgate"]`, `CMD ["serve"]`}
	if diff := cmp.Diff(want, instructions); diff != "" {
		t.Errorf("instructions of the image (-want +got):\n%s", diff)
	}
	if base := lineValue(t, "../Dockerfile", "ARG BASE="); !strings.HasPrefix(base, "gcr.io/distroless/static-") {
		t.Errorf("the base is %q, want a static distroless one", base)
	}
}

func TestNamespaceRequiresRestrictedPods(t *testing.T) {
	t.Parallel()
	labels := decode[*corev1.Namespace](t, "base/00-namespace.yaml").Labels
	for _, mode := range []string{"enforce", "audit", "warn"} {
		if got := labels["pod-security.kubernetes.io/"+mode]; got != "restricted" {
			t.Errorf("pod security, %s: got %q, want restricted", mode, got)
		}
	}
}

// TestNamesResolveAsOnNodes: a kubelet resolves the names of registries by the resolv.conf of its host. With the default policy,
// "ClusterFirst", a Service of the cluster could answer for a public registry.
func TestNamesResolveAsOnNodes(t *testing.T) {
	t.Parallel()
	var deployments []string
	for _, folder := range folders() {
		for _, name := range files(t, folder) {
			path := filepath.Join(folder, name)
			if strings.HasPrefix(name, "patch-") {
				if strings.Contains(string(read(t, path)), "dns") {
					t.Errorf("%s changes the DNS of the base", path)
				}
				continue
			}
			if !strings.HasSuffix(name, "-deployment.yaml") {
				continue
			}
			deployments = append(deployments, path)
			spec := decode[*appsv1.Deployment](t, path).Spec.Template.Spec
			if spec.DNSPolicy != corev1.DNSDefault || spec.DNSConfig != nil || spec.HostAliases != nil {
				t.Errorf("%s: DNS policy %q, configuration %v, aliases %v, want the host's", path, spec.DNSPolicy, spec.DNSConfig, spec.HostAliases)
			}
		}
	}
	if diff := cmp.Diff([]string{"base/50-deployment.yaml"}, deployments); diff != "" {
		t.Errorf("Deployments (-want +got):\n%s", diff)
	}
}

func TestDeploymentIsHighlyAvailable(t *testing.T) {
	t.Parallel()
	spec := loadDeployment(t).Spec
	pod, container := spec.Template.Spec, spec.Template.Spec.Containers[0]
	budget := decode[*policyv1.PodDisruptionBudget](t, "base/60-poddisruptionbudget.yaml").Spec
	quota := decode[*corev1.ResourceQuota](t, "base/05-resourcequota.yaml").Spec
	var spread []string
	for _, c := range pod.TopologySpreadConstraints {
		spread = append(spread, c.TopologyKey)
	}
	tests := map[string]struct{ got, want any }{
		"replicas":                   {*spec.Replicas, int32(2)},
		"all available in a rollout": {spec.Strategy.RollingUpdate.MaxUnavailable.IntValue(), 0},
		"one unavailable in a drain": {budget.MaxUnavailable.IntValue(), 1},
		"topology spread":            {spread, []string{corev1.LabelHostname, corev1.LabelTopologyZone}},
		"priority":                   {pod.PriorityClassName, "system-cluster-critical"},
		"quota admits priority":      {quota.ScopeSelector.MatchExpressions[0].Values, []string{pod.PriorityClassName}},
		"memory limit":               {container.Resources.Limits.Memory().String(), "256Mi"},
		"no limit on CPU":            {container.Resources.Limits.Cpu().IsZero(), true},
		"request of CPU":             {container.Resources.Requests.Cpu().IsZero(), false},
		"request of memory":          {container.Resources.Requests.Memory().IsZero(), false},
		"key not on disk":            {pod.Volumes[1].EmptyDir.Medium, corev1.StorageMediumMemory},
		"nodes":                      {pod.NodeSelector, map[string]string{corev1.LabelOSStable: "linux"}},
		"time of a liveness probe":   {container.LivenessProbe.TimeoutSeconds, int32(5)},
		"time of a readiness probe":  {container.ReadinessProbe.TimeoutSeconds, int32(2)},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.want, tc.got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// A selector that matches no pods causes no error.
func TestSelectorsMatchThePods(t *testing.T) {
	t.Parallel()
	deployment := loadDeployment(t)
	want := deployment.Spec.Template.Labels
	tests := map[string]map[string]string{
		"deployment":  deployment.Spec.Selector.MatchLabels,
		"service":     decode[*corev1.Service](t, "base/40-service.yaml").Spec.Selector,
		"budget":      decode[*policyv1.PodDisruptionBudget](t, "base/60-poddisruptionbudget.yaml").Spec.Selector.MatchLabels,
		"over hosts":  deployment.Spec.Template.Spec.TopologySpreadConstraints[0].LabelSelector.MatchLabels,
		"over zones":  deployment.Spec.Template.Spec.TopologySpreadConstraints[1].LabelSelector.MatchLabels,
		"shared name": {"app.kubernetes.io/name": certs.ServiceName},
	}
	for name, got := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("selector (-labels of the pods +selector):\n%s", diff)
			}
		})
	}
}

func TestCertManagerPatchesTheDeployment(t *testing.T) {
	t.Parallel()
	container := loadDeployment(t).Spec.Template.Spec.Containers[0]
	volume := loadDeployment(t).Spec.Template.Spec.Volumes[1]
	var values []any
	for _, o := range unmarshal[[]operation](t, "cert-manager/patch-deployment.yaml") {
		values = append(values, o.Value)
	}
	want := []any{
		volume.Name,
		map[string]any{
			"name":   volume.Name,
			"secret": map[string]any{"secretName": certs.SecretName, "defaultMode": float64(0o440)},
		},
		"--cert-dir=" + mountPath(container, volume.Name),
		container.VolumeMounts[1].Name,
		true,
		container.Env[1].Name,
		nil,
	}
	if diff := cmp.Diff(want, values); diff != "" {
		t.Errorf("values (-want +got):\n%s", diff)
	}
}

func TestCertManagerIssuesThroughAnAuthority(t *testing.T) {
	t.Parallel()
	root := unmarshal[issuer](t, "../certs/10-issuer-root.yaml")
	authority := unmarshal[certificate](t, "../certs/20-certificate-authority.yaml")
	local := unmarshal[issuer](t, "../certs/30-issuer.yaml")
	serving := unmarshal[certificate](t, "../certs/40-certificate.yaml")
	if root.Spec.SelfSigned == nil || local.Spec.CA == nil {
		t.Fatal("want a self-signed issuer for the authority, and an issuer that uses it")
	}
	tests := map[string]struct{ got, want any }{
		"authority is a CA":            {authority.Spec.IsCA, true},
		"authority is signed by":       {authority.Spec.IssuerRef.Name, root.Metadata.Name},
		"issuer uses":                  {local.Spec.CA.SecretName, authority.Spec.SecretName},
		"serving is not a CA":          {serving.Spec.IsCA, false},
		"serving is signed by":         {serving.Spec.IssuerRef.Name, local.Metadata.Name},
		"authority has another secret": {authority.Spec.SecretName == serving.Spec.SecretName, false},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.want, tc.got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
