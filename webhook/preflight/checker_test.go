package preflight_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pullgate/pullgate/webhook/credentials"
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/preflight"
)

// TestWithoutAsking: some verdicts need neither a registry nor a secret.
func TestWithoutAsking(t *testing.T) {
	t.Parallel()
	never := func(image string) imagepull.Use {
		use := pod(image).Uses[0]
		use.PullPolicy = imagepull.PullNever
		return use
	}
	unmounted := func(image string) imagepull.Use {
		use := pod(image).Uses[0]
		use.Kind, use.Unmounted = imagepull.Volume, true
		return use
	}
	badName := imagepull.Verdict{Reason: imagepull.ReasonInvalidImageName, Detail: pod("Foo").Uses[0].ParseError}
	cached := imagepull.Verdict{Reason: imagepull.ReasonNodeCache, Detail: "with imagePullPolicy Never the image must be on the node already"}
	skipped := imagepull.Verdict{Reason: imagepull.ReasonNotChecked, Detail: "registry is listed in skipRegistries"}
	tests := map[string]struct {
		use  imagepull.Use
		skip []string
		want imagepull.Verdict
	}{
		"bad name":                       {pod("Foo").Uses[0], nil, badName},
		"bad name with Never":            {never("Foo"), nil, badName},
		"bad name where all are skipped": {pod("Foo").Uses[0], []string{"*"}, badName},
		"Never":                          {never(image), nil, cached},
		"skipped":                        {pod(image).Uses[0], []string{"other.example", host}, skipped},
		"skipped, with a port":           {pod("registry.example:5000/web").Uses[0], []string{host}, skipped},
		"skipped, by wildcard":           {pod(image).Uses[0], []string{"*.example"}, skipped},
		"skipped with Never":             {never(image), []string{host}, skipped},
		"bad name of an unmounted volume": {unmounted("Foo"), nil, imagepull.Verdict{
			Reason: imagepull.ReasonNotChecked,
			Detail: "no container mounts the volume",
			Warnings: []imagepull.Warning{{
				Reason:  imagepull.WarningUnmountedImageVolume,
				Message: "no container mounts the volume, whose image cannot be pulled: " + badName.Detail,
			}},
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			resolver, creds := &registry{}, &secrets{}
			checker := preflight.New(preflight.Options{Resolver: resolver, Credentials: creds, SkipRegistries: hosts(t, test.skip...)})
			got := checker.Check(t.Context(), imagepull.Pod{Uses: []imagepull.Use{test.use}}, nil)
			if diff := cmp.Diff([]imagepull.Finding{{Use: test.use, Verdict: test.want}}, got); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
			if asked := append(resolver.questions(), creds.asked...); len(asked) > 0 {
				t.Errorf("asked %q, want nothing asked", asked)
			}
		})
	}
}

func TestPodWithoutImages(t *testing.T) {
	t.Parallel()
	if got := preflight.New(preflight.Options{}).Check(t.Context(), imagepull.Pod{}, nil); len(got) != 0 {
		t.Errorf("findings = %v, want none", got)
	}
}

// TestEachImageIsAskedOnce, however often and under whatever spelling a pod uses it.
func TestEachImageIsAskedOnce(t *testing.T) {
	t.Parallel()
	const digest = "@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	nginx := imagepull.Verdict{Reason: imagepull.ReasonPullable, Digest: "sha256:9"}
	resolver := &registry{script: map[string]imagepull.Verdict{
		image + " file/a":                           refused,
		image + " file/b":                           works,
		"docker.io/library/nginx:latest":            nginx,
		"docker.io/library/nginx" + digest:          nginx,
		"registry.example/shop/web:2 file/a":        absent,
		"registry.example/shop/web:2 file/b":        absent,
		"registry.example/shop/web" + digest + " x": works,
	}}
	checker := preflight.New(preflight.Options{Resolver: resolver, Credentials: &secrets{set: keys(t, host, "a", "b")}})
	p := pod("nginx", image, image, "docker.io/nginx:latest", "registry.example/shop/web:2", "nginx:1"+digest, "index.docker.io/library/nginx", image)
	got := checker.Check(t.Context(), p, nil)
	want := []imagepull.Reason{
		imagepull.ReasonPullable, imagepull.ReasonPullable, imagepull.ReasonPullable, imagepull.ReasonPullable,
		imagepull.ReasonNotFound, imagepull.ReasonPullable, imagepull.ReasonPullable, imagepull.ReasonPullable,
	}
	if diff := cmp.Diff(want, reasons(got)); diff != "" {
		t.Errorf("reasons (-want +got):\n%s", diff)
	}
	for i, f := range got {
		if diff := cmp.Diff(p.Uses[i], f.Use); diff != "" {
			t.Errorf("use %d (-want +got):\n%s", i, diff)
		}
	}
	asked := []string{
		"docker.io/library/nginx:latest",
		"docker.io/library/nginx" + digest,
		image + " file/a",
		image + " file/b",
		"registry.example/shop/web:2 file/a",
		"registry.example/shop/web:2 file/b",
	}
	if diff := cmp.Diff(asked, resolver.questions()); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
}

// TestMaxUses: the rest is a doubt, except for names that need no asking.
func TestMaxUses(t *testing.T) {
	t.Parallel()
	images := []string{"registry.example/a:1", "registry.example/b:1", "registry.example/c:1", "Foo"}
	tests := map[string]struct {
		limit int
		want  []imagepull.Reason
	}{
		"below the images": {2, []imagepull.Reason{
			imagepull.ReasonPullable, imagepull.ReasonPullable, imagepull.ReasonDeadlineExceeded, imagepull.ReasonInvalidImageName,
		}},
		"at the images": {3, []imagepull.Reason{
			imagepull.ReasonPullable, imagepull.ReasonPullable, imagepull.ReasonPullable, imagepull.ReasonInvalidImageName,
		}},
		"none": {0, []imagepull.Reason{
			imagepull.ReasonPullable, imagepull.ReasonPullable, imagepull.ReasonPullable, imagepull.ReasonInvalidImageName,
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			script := map[string]imagepull.Verdict{images[0]: works, images[1]: works, images[2]: works}
			checker := preflight.New(preflight.Options{Resolver: &registry{script: script}, Credentials: &secrets{}, MaxUses: test.limit})
			if diff := cmp.Diff(test.want, reasons(checker.Check(t.Context(), pod(images...), nil))); diff != "" {
				t.Errorf("reasons (-want +got):\n%s", diff)
			}
		})
	}
}

// TestUnmountedVolume: its failing pull keeps no container from starting.
func TestUnmountedVolume(t *testing.T) {
	t.Parallel()
	excused := imagepull.Verdict{
		Reason: imagepull.ReasonNotChecked,
		Detail: "no container mounts the volume",
		Warnings: []imagepull.Warning{{
			Reason:  imagepull.WarningUnmountedImageVolume,
			Message: "no container mounts the volume, whose image cannot be pulled: tag not found",
		}},
	}
	tests := map[string]struct {
		unmounted    bool
		answer, want imagepull.Verdict
	}{
		"mounted, absent":      {false, absent, absent},
		"unmounted, absent":    {true, absent, excused},
		"unmounted, there":     {true, works, works},
		"unmounted, no answer": {true, unavailable, unavailable},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := pod(image, image)
			p.Uses[1].Kind, p.Uses[1].Unmounted = imagepull.Volume, test.unmounted
			resolver := &registry{script: map[string]imagepull.Verdict{image: test.answer}}
			got := preflight.New(preflight.Options{Resolver: resolver, Credentials: &secrets{}}).Check(t.Context(), p, nil)
			if diff := cmp.Diff(test.answer, got[0].Verdict); diff != "" {
				t.Errorf("verdict on the container (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.want, got[1].Verdict); diff != "" {
				t.Errorf("verdict on the volume (-want +got):\n%s", diff)
			}
		})
	}
}

// TestMissingSecretIsAWarning: once a pod, on an image that is pulled without it.
func TestMissingSecretIsAWarning(t *testing.T) {
	t.Parallel()
	advice := []imagepull.Warning{
		{Reason: imagepull.WarningPullSecretMissing, Message: `pull secret "gone" and 1 more do not exist`},
	}
	script := map[string]imagepull.Verdict{
		"registry.example/absent:1": absent, "registry.example/busy:1": busy,
		"registry.example/a:1": works, "registry.example/b:1": works,
	}
	tests := map[string]struct {
		images  []string
		advised int
	}{
		"the only image":                {[]string{"registry.example/a:1"}, 0},
		"the first of two":              {[]string{"registry.example/a:1", "registry.example/b:1"}, 0},
		"after one that is absent":      {[]string{"registry.example/absent:1", "registry.example/a:1"}, 1},
		"after doubt":                   {[]string{"registry.example/busy:1", "registry.example/a:1"}, 1},
		"after one that is not checked": {[]string{"skipped.example/x:1", "registry.example/a:1"}, 1},
		"none can be pulled":            {[]string{"registry.example/absent:1", "registry.example/busy:1"}, -1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := preflight.New(preflight.Options{
				Resolver:       &registry{script: script},
				Credentials:    &secrets{set: credentials.Set{Missing: []string{"gone", "lost"}}},
				SkipRegistries: hosts(t, "skipped.example"),
			}).Check(t.Context(), pod(test.images...), nil)
			for i, f := range got {
				var want []imagepull.Warning
				if i == test.advised {
					want = advice
				}
				if diff := cmp.Diff(want, f.Warnings); diff != "" {
					t.Errorf("advice on %s (-want +got):\n%s", f.Image, diff)
				}
			}
		})
	}
}

// TestWarningsAreNotShared: what is said of one use must not show up at another of the same image.
func TestWarningsAreNotShared(t *testing.T) {
	t.Parallel()
	artifact := works
	artifact.Warnings = append(make([]imagepull.Warning, 0, 4), imagepull.Warning{Reason: imagepull.WarningNotAContainerImage, Message: "a chart"})
	got := preflight.New(preflight.Options{
		Resolver:    &registry{script: map[string]imagepull.Verdict{image: artifact}},
		Credentials: &secrets{set: credentials.Set{Missing: []string{"gone"}}},
	}).Check(t.Context(), pod(image, image), nil)
	for i, want := range []int{2, 1} {
		if len(got[i].Warnings) != want {
			t.Errorf("use %d has the advice %v, want %d", i, got[i].Warnings, want)
		}
	}
	if spare := fmt.Sprint(artifact.Warnings[:2]); spare != fmt.Sprint([]imagepull.Warning{artifact.Warnings[0], {}}) {
		t.Errorf("the resolver's own advice became %s", spare)
	}
}
