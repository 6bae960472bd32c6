package report_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/report"
)

func TestLineNamesUseCauseAndFix(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		finding imagepull.Finding
		want    string
	}{
		"a container": {
			finding("registry.example/shop/web:1.27-alpin", imagepull.Verdict{
				Reason: imagepull.ReasonNotFound, Detail: "tag not found",
			}),
			`container "web": image "registry.example/shop/web:1.27-alpin" cannot be pulled: ` +
				`NotFound: tag not found; push the image or correct its name`,
		},
		"a standalone image": {
			standalone("nginx:gone", imagepull.Verdict{Reason: imagepull.ReasonNotFound, Detail: "tag not found"}),
			`image "nginx:gone" cannot be pulled: NotFound: tag not found; push the image or correct its name`,
		},
		"a volume": {
			imagepull.Finding{
				Use:     imagepull.Use{Kind: imagepull.Volume, Name: "model", Image: "r.example/m"},
				Verdict: imagepull.Verdict{Reason: imagepull.ReasonBlobMissing},
			},
			`volume "model": image "r.example/m" cannot be pulled: BlobMissing; push the image again`,
		},
		"the verdict's own fix replaces the fix of the reason": {
			standalone("x", imagepull.Verdict{Reason: imagepull.ReasonAccessDenied, Detail: "denied", Fix: "ask the owner"}),
			`image "x" cannot be pulled: AccessDenied: denied; ask the owner`,
		},
		"a failure with a warning names both": {
			standalone("x", imagepull.Verdict{
				Reason: imagepull.ReasonAccessDenied, Detail: "denied without credentials", Warnings: artifact(),
			}),
			`image "x" cannot be pulled: AccessDenied: denied without credentials; the image is a Helm chart; ` +
				`list a pull secret that gives access in imagePullSecrets`,
		},
		"a warning that the detail contains is not repeated": {
			standalone("x", imagepull.Verdict{
				Reason: imagepull.ReasonAccessDenied, Detail: `denied: the image is a Helm chart`, Fix: "create it",
				Warnings: artifact(),
			}),
			`image "x" cannot be pulled: AccessDenied: denied: the image is a Helm chart; create it`,
		},
		"a pullable image with a warning": {
			finding("x", imagepull.Verdict{Reason: imagepull.ReasonPullable, Warnings: artifact()}),
			`container "web": image "x": NotAContainerImage: the image is a Helm chart`,
		},
		"two warnings share the line": {
			standalone("x", imagepull.Verdict{Reason: imagepull.ReasonPresentOnNode, Warnings: append(artifact(), imagepull.Warning{
				Reason: imagepull.WarningWrongArchitecture, Message: "built for arm64",
			})}),
			`image "x": NotAContainerImage: the image is a Helm chart; WrongArchitecture: built for arm64`,
		},
		"a pullable image": {
			standalone("x", imagepull.Verdict{Reason: imagepull.ReasonPullable}), `image "x" can be pulled: Pullable`,
		},
		"the zero verdict": {standalone("x", imagepull.Verdict{}), `image "x" could not be checked`},
		"quotes in a name": {
			standalone(`x" is fine`, imagepull.Verdict{Reason: imagepull.ReasonInvalidImageName, Fix: "correct it"}),
			`image "x\" is fine" cannot be pulled: InvalidImageName; correct it`,
		},
		"control characters, invisible ones and invalid UTF-8": {
			hostile().Entries[0].Finding,
			`container "na\tme\u009b": image "a\x1b[31m\u202eb\u0085\x7f\xff\n\"c" cannot be pulled: InvalidImageName: ` +
				`detail\x1b[2J; chart\x00\n; fix\u200b\r`,
		},
		"words of other languages stay": {
			standalone("x", imagepull.Verdict{Reason: imagepull.ReasonNotFound, Detail: "größer 图", Fix: "see ¶ 2"}),
			`image "x" cannot be pulled: NotFound: größer 图; see ¶ 2`,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := report.Line(test.finding); got != test.want {
				t.Errorf("Line() =\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}

// TestLineHasThePredicateOfTheReason tests every reason.
func TestLineHasThePredicateOfTheReason(t *testing.T) {
	t.Parallel()
	special := map[imagepull.Reason]string{
		imagepull.ReasonPullable:        "can be pulled",
		imagepull.ReasonPresentOnNode:   "is on the nodes",
		imagepull.ReasonNotChecked:      "was not checked",
		imagepull.ReasonEgressForbidden: "was not checked",
		imagepull.ReasonTooManyImages:   "was not checked",
		imagepull.ReasonNodeCredentials: "may not be pullable",
		imagepull.ReasonNodeCache:       "may not be pullable",
		imagepull.ReasonSomePlatforms:   "may not be pullable",

		imagepull.ReasonInsecureRegistry:    "may not be pullable",
		imagepull.ReasonNeverPresent:        "may not be pullable",
		imagepull.ReasonPullSecretMissing:   "may not be pullable",
		imagepull.ReasonNodeCacheUnreported: "may not be pullable",
	}
	for _, reason := range imagepull.Reasons() {
		want := special[reason]
		if want == "" && reason.Outcome() == imagepull.Unpullable {
			want = "cannot be pulled"
		}
		if want == "" {
			want = "could not be checked"
		}
		got := report.Line(standalone("x", imagepull.Verdict{Reason: reason}))
		if !strings.HasPrefix(got, `image "x" `+want+": "+string(reason)) {
			t.Errorf("reason %q: Line() = %q, want %q in it", reason, got, want)
		}
	}
}

func TestLineBoundsNameAndImage(t *testing.T) {
	t.Parallel()
	f := finding(long(1<<20), imagepull.Verdict{Reason: imagepull.ReasonInvalidImageName})
	f.Name = long(1 << 20)
	got := report.Line(f)
	if n := utf8.RuneCountInString(got); n > 1200 {
		t.Errorf("Line() has %d characters, want no more than 1200", n)
	}
	if !strings.Contains(got, `end" cannot be pulled`) {
		t.Errorf("Line() = %q, want it to keep the end of the image", got)
	}
}

func TestLineHoldsEveryValidReferenceInFull(t *testing.T) {
	t.Parallel()
	longest := long(255) + ":" + long(128) + "@" + digest
	got := report.Line(standalone(longest, imagepull.Verdict{Reason: imagepull.ReasonNotFound}))
	if !strings.Contains(got, `"`+longest+`"`) {
		t.Errorf("Line() = %q, want the reference in full", got)
	}
}

func TestWarningIsShortened(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		finding imagepull.Finding
		want    string
	}{
		"a full line if it fits": {
			standalone("nginx:gone", imagepull.Verdict{Reason: imagepull.ReasonNotFound, Detail: "tag not found"}),
			`image "nginx:gone" cannot be pulled: NotFound: tag not found; push the image or correct its name`,
		},
		"otherwise without the fix": {
			finding("registry.example/shop/web:1.27-alpin", imagepull.Verdict{
				Reason: imagepull.ReasonNotFound, Detail: "tag not found",
			}),
			`container "web": image "registry.example/shop/web:1.27-alpin" cannot be pulled: NotFound: tag not found`,
		},
		"otherwise with a shortened image": {
			finding("registry.example/platform/team/storefront/web@"+digest, imagepull.Verdict{
				Reason: imagepull.ReasonNotFound, Detail: "digest not found",
			}),
			`container "web": image "registry.example/platfor…0000000000000000000000000" cannot be pulled: ` +
				`NotFound: digest not found`,
		},
		"a warning with a shortened image": {
			finding("registry.example/platform/team/storefront/web:2024-11-22-build-117", imagepull.Verdict{
				Reason: imagepull.ReasonPullable, Warnings: artifact(),
			}),
			`container "web": image "registry.example/platfo…web:2024-11-22-build-117": NotAContainerImage: ` +
				`the image is a Helm chart`,
		},
		"more than 120 characters if the cause needs them": {
			finding("registry.example/shop/web:1.27-alpine-with-debug-tools", imagepull.Verdict{
				Reason: imagepull.ReasonSomePlatforms,
				Detail: "the index offers linux/amd64 and linux/arm64, and the candidate nodes run linux/amd64 and linux/s390x",
			}),
			`container "web": image "registry.ex…-debug-tools" may not be pullable: SomePlatforms: the index offers ` +
				`linux/amd64 and linux/arm64, and the candidate nodes run linux/amd64 and linux/s390x`,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := report.Warning(test.finding); got != test.want {
				t.Errorf("Warning() =\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}

// TestWarningStaysWithinItsLimits tests lengths of image and detail around both limits.
func TestWarningStaysWithinItsLimits(t *testing.T) {
	t.Parallel()
	for _, image := range []int{3, 20, 24, 40, 60, 80, 100, 255, 511, 512, 513, 4096} {
		for _, detail := range []int{3, 20, 40, 100, 150, 170, 180, 190, 300, 4096} {
			f := finding(long(image), imagepull.Verdict{Reason: imagepull.ReasonNotFound, Detail: long(detail)})
			got := utf8.RuneCountInString(report.Warning(f))
			if detail <= 20 && got > 120 {
				t.Errorf("image of %d, detail of %d: Warning() has %d characters, want at most 120", image, detail, got)
			}
			if got > 256 {
				t.Errorf("image of %d, detail of %d: Warning() has %d characters, want at most 256", image, detail, got)
			}
		}
	}
}

func TestWarningIsOnePrintableLine(t *testing.T) {
	t.Parallel()
	f := hostile().Entries[0].Finding
	f.Image = strings.Repeat(f.Image, 50)
	got := report.Warning(f)
	if !utf8.ValidString(got) {
		t.Errorf("Warning() = %q, want valid UTF-8", got)
	}
	if i := strings.IndexFunc(got, func(r rune) bool { return !unicode.IsPrint(r) }); i >= 0 {
		t.Errorf("Warning() = %q, want no character like the one at %d", got, i)
	}
}
