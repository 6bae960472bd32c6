package webhook_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/policy"
)

// audited is one element of the findings in an audit annotation.
type audited struct {
	Path, Image, Outcome, Reason string
	Omitted                      int
}

// hostile returns images that must be escaped or shortened.
func hostile() []string {
	return []string{
		strings.Repeat("x", 700),
		"a\nb\r\tc",
		"\x1b[31mred\x00",
		"\u202eright to left",
		`quo"te\`,
		"<&>" + strings.Repeat("é", 400),
	}
}

// The API server drops warnings with control characters and truncates long ones.
func TestWarningsAreOneShortLine(t *testing.T) {
	t.Parallel()
	f := newFixture(policy.ModeWarn)
	f.checker.verdicts = map[string]imagepull.Verdict{}
	for _, image := range hostile() {
		f.checker.verdicts[image] = imagepull.Verdict{Reason: imagepull.ReasonInvalidImageName, Detail: strings.Repeat("because\n", 100)}
	}
	got := f.review(t, create("Pod", podOf(hostile()...)))
	if len(got.Warnings) != len(hostile()) {
		t.Fatalf("got %d warnings, want one for each of %d images", len(got.Warnings), len(hostile()))
	}
	for _, w := range got.Warnings {
		if utf8.RuneCountInString(w) > 256 || !utf8.ValidString(w) || strings.ContainsFunc(w, unprintable) {
			t.Errorf("warning = %q, want one short line", w)
		}
	}
}

func unprintable(r rune) bool { return !unicode.IsPrint(r) }

func TestDenialHasOnePrintableLineForEachImage(t *testing.T) {
	t.Parallel()
	f := newFixture(policy.ModeEnforce)
	f.checker.verdicts = map[string]imagepull.Verdict{}
	for _, image := range hostile() {
		f.checker.verdicts[image] = imagepull.Verdict{Reason: imagepull.ReasonInvalidImageName, Detail: "bad"}
	}
	lines := strings.Split(f.review(t, create("Pod", podOf(hostile()...))).Result.Message, "\n")
	if len(lines) != len(hostile()) {
		t.Errorf("got %d lines, want one for each of %d images", len(lines), len(hostile()))
	}
	for _, line := range lines {
		if strings.ContainsFunc(line, unprintable) || utf8.RuneCountInString(line) > 1024 {
			t.Errorf("line = %q, want it short and printable", line)
		}
	}
}

func TestManyFindingsAreTruncated(t *testing.T) {
	t.Parallel()
	var images []string
	for range 100 {
		images = append(images, absent)
	}
	f := newFixture(policy.ModeEnforce)
	lines := strings.Split(f.review(t, create("Pod", podOf(images...))).Result.Message, "\n")
	if len(lines) != 65 || lines[64] != "and 36 more" {
		t.Errorf("got %d lines, the last being %q, want 64 and %q", len(lines), lines[len(lines)-1], "and 36 more")
	}
	if logged, _ := f.logLines(t)[0]["findings"].([]any); len(logged) != 64 {
		t.Errorf("%d findings were logged, want 64", len(logged))
	}
	if got := f.logLines(t)[0]["images"]; got != float64(100) {
		t.Errorf("images = %v in the log, want 100", got)
	}
	f = newFixture(policy.ModeWarn)
	if got := f.review(t, create("Pod", podOf(images...))).Warnings; len(got) != 64 {
		t.Errorf("got %d warnings, want 64", len(got))
	}
}

// The annotations are at most 4 KiB of valid JSON. Each finding is listed or counted as omitted.
func TestAuditAnnotationsAreBounded(t *testing.T) {
	t.Parallel()
	long := "registry.example/" + strings.Repeat("x", 300)
	tests := map[string]struct {
		image string
		count int
		// listed is the number of findings that fit, or 0 if only some fit.
		listed int
	}{
		"one":                    {absent, 1, 1},
		"as many as fit":         {"x:1", 43, 43},
		"one more than fits":     {"x:1", 60, 0},
		"long images":            {long, 64, 0},
		"images that grow":       {strings.Repeat("<", 300), 64, 0},
		"images of wide letters": {strings.Repeat("漢", 300), 64, 0},
		"very many":              {absent, 300, 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var images []string
			for range test.count {
				images = append(images, test.image)
			}
			f := newFixture(policy.ModeAudit)
			f.checker.verdicts = map[string]imagepull.Verdict{test.image: {Reason: imagepull.ReasonNotFound}}
			got := f.review(t, create("Pod", podOf(images...))).AuditAnnotations
			if len(got["findings"]) > 4096 {
				t.Errorf("findings take %d bytes, want at most 4096", len(got["findings"]))
			}
			var list []audited
			if err := json.Unmarshal([]byte(got["findings"]), &list); err != nil {
				t.Fatalf("decoding the findings %s: %v", got["findings"], err)
			}
			listed, omitted := 0, 0
			for i, element := range list {
				omitted += element.Omitted
				if element.Omitted > 0 {
					continue
				}
				listed++
				if want := fmt.Sprintf("spec.containers[%d].image", i); element.Path != want || element.Reason != "NotFound" {
					t.Errorf("element %d = %+v, want the finding at %s", i, element, want)
				}
			}
			if listed+omitted != test.count || listed == 0 || (test.listed > 0) != (omitted == 0) {
				t.Errorf("%d findings are listed and %d omitted, want %d in total", listed, omitted, test.count)
			}
		})
	}
}

// TestAuditHoldsTheMostSevereOutcome tests every order of the findings. The annotation has each reason once.
func TestAuditHoldsTheMostSevereOutcome(t *testing.T) {
	t.Parallel()
	const artifact = "registry.example/shop/chart:1"
	verdicts := map[string]imagepull.Verdict{artifact: {
		Reason:   imagepull.ReasonPullable,
		Warnings: []imagepull.Warning{{Reason: imagepull.WarningNotAContainerImage, Message: "a chart"}},
	}}
	tests := map[string]struct {
		images           []string
		outcome, reasons string
	}{
		"a warning":                 {[]string{artifact}, "Pullable", "Pullable"},
		"a warning, indeterminate":  {[]string{artifact, busy}, "Indeterminate", "Pullable,RateLimited"},
		"indeterminate, a warning":  {[]string{busy, artifact}, "Indeterminate", "Pullable,RateLimited"},
		"indeterminate, unpullable": {[]string{busy, absent}, "Unpullable", "NotFound,RateLimited"},
		"unpullable, indeterminate": {[]string{absent, busy}, "Unpullable", "NotFound,RateLimited"},
		"unpullable, a warning":     {[]string{absent, artifact}, "Unpullable", "NotFound,Pullable"},
		"the same twice":            {[]string{absent, absent, good}, "Unpullable", "NotFound"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(policy.ModeAudit)
			f.checker.verdicts = verdicts
			got := f.review(t, create("Pod", podOf(test.images...))).AuditAnnotations
			want := map[string]string{"outcome": test.outcome, "reasons": test.reasons, "findings": got["findings"]}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("annotations (-want +got):\n%s", diff)
			}
		})
	}
}
