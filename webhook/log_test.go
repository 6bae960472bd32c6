package webhook_test

import (
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/policy"
)

func TestEveryDecisionHasOneLogLine(t *testing.T) {
	t.Parallel()
	const other = "registry.example/shop/sidecar:1"
	f := newFixture(policy.ModeEnforce)
	f.checker.verdicts = map[string]imagepull.Verdict{
		good: {
			Reason: imagepull.ReasonPullable, Origin: imagepull.OriginCache, Age: 12300 * time.Millisecond, Credential: "secret/shop/regcred",
			Warnings: []imagepull.Warning{{Reason: imagepull.WarningWrongArchitecture, Message: "the image is for arm64"}},
		},
		busy: {
			Reason: imagepull.ReasonRateLimited, Detail: "the registry limits the rate of requests",
			Origin: imagepull.OriginBackoff, Age: 4 * time.Minute,
		},
	}
	f.review(t, create("Pod", podOf(good, other, busy, absent)))
	lines := f.logLines(t)
	if len(lines) != 1 {
		t.Fatalf("log = %v, want one line", lines)
	}
	got := lines[0]
	for _, varying := range []string{"time", "duration"} {
		if _, ok := got[varying]; !ok {
			t.Errorf("the log line has no %s", varying)
		}
		delete(got, varying)
	}
	want := map[string]any{
		"level": "INFO", "msg": "decided", "decision": "deny", "mode": "enforce", "kind": "Pod", "operation": "CREATE",
		"namespace": "shop", "name": "web", "uid": "705ab4f5-6393-11e8-b7cc-42010a800002", "user": "alice",
		"dryRun": false, "images": float64(4),
		"findings": []any{
			map[string]any{
				"path": "spec.containers[3].image", "image": absent, "outcome": "Unpullable", "reason": "NotFound", "detail": "tag not found",
				"origin": "registry", "credential": "anonymous",
			},
			map[string]any{
				"path": "spec.containers[2].image", "image": busy, "outcome": "Indeterminate", "reason": "RateLimited",
				"detail": "the registry limits the rate of requests", "origin": "backoff 4m0s", "credential": "anonymous",
			},
			map[string]any{
				"path": "spec.containers[0].image", "image": good, "outcome": "Pullable", "reason": "Pullable", "origin": "cache 12s",
				"credential": "secret/shop/regcred", "warnings": []any{"WrongArchitecture"},
			},
			map[string]any{"path": "spec.containers[1].image", "image": other, "outcome": "Pullable", "reason": "Pullable", "origin": "none"},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("log line (-want +got):\n%s", diff)
	}
}

// Operators see in the log that Pullgate was called.
func TestPullableImagesAreLogged(t *testing.T) {
	t.Parallel()
	f := newFixture(policy.ModeAudit)
	f.review(t, create("Pod", podOf(good)))
	lines := f.logLines(t)
	if len(lines) != 1 || lines[0]["decision"] != "allow" || len(lines[0]["findings"].([]any)) != 1 {
		t.Errorf("log = %v, want one line with one finding", lines)
	}
}

// With --log-format=text a finding is one phrase.
func TestFindingsAreLoggedAsText(t *testing.T) {
	t.Parallel()
	f := newFixture(policy.ModeEnforce)
	f.handler.Log = slog.New(slog.NewTextHandler(&f.log, nil))
	f.checker.verdicts = map[string]imagepull.Verdict{
		absent: {Reason: imagepull.ReasonNotFound, Detail: "tag not found", Origin: imagepull.OriginRegistry, Credential: "secret/shop/regcred"},
	}
	f.review(t, create("Pod", podOf(absent)))
	const want = `findings="[spec.containers[0].image \"registry.example/shop/web:gone\" Unpullable NotFound: tag not found (registry, secret/shop/regcred)]"`
	if got := f.log.String(); !strings.Contains(got, want) {
		t.Errorf("log = %s, want %s", got, want)
	}
}

// Environment variables, annotations and commands may hold secrets.
func TestOutputHoldsOnlyImagesOfTheObject(t *testing.T) {
	t.Parallel()
	const marker = "s3cr3t"
	pod := podWith(map[string]any{"annotations": map[string]any{"a": marker}}, absent, busy)
	pod = strings.Replace(pod, `"name":"c0"`, `"name":"c0","command":["`+marker+`"],"env":[{"name":"A","value":"`+marker+`"}]`, 1)
	for _, mode := range policy.Modes() {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			f := newFixture(mode)
			f.checker.verdicts = map[string]imagepull.Verdict{absent: {Reason: imagepull.ReasonNotFound, Detail: "gone", Credential: "secret/shop/regcred"}}
			got := f.review(t, create("Pod", pod))
			output := append(slices.Clone(got.Warnings), got.Result.Message, f.log.String())
			for _, annotation := range got.AuditAnnotations {
				output = append(output, annotation)
			}
			for _, text := range output {
				if strings.Contains(text, marker) {
					t.Errorf("%q holds a part of the object", text)
				}
			}
		})
	}
}

// An author chooses the number and the length of images.
func TestLogLineNamesAFewImages(t *testing.T) {
	t.Parallel()
	image := strings.Repeat("x", 3000)
	f := newFixture(policy.ModeEnforce)
	f.checker.verdicts = map[string]imagepull.Verdict{image: {Reason: imagepull.ReasonInvalidImageName, Detail: "too long"}}
	f.review(t, create("Pod", podOf(append(repeat(good, 100), repeat(image, 900)...)...)))
	lines := f.logLines(t)
	if len(lines) != 1 {
		t.Fatalf("%d log lines, want 1", len(lines))
	}
	findings, _ := lines[0]["findings"].([]any)
	if len(findings) != 64 || f.log.Len() > 32<<10 {
		t.Errorf("%d images in %d bytes, want 64 in at most 32 KiB", len(findings), f.log.Len())
	}
	for _, finding := range findings {
		if reason := finding.(map[string]any)["reason"]; reason != "InvalidImageName" {
			t.Errorf("the line has a finding with the reason %v, while others that deny are left out", reason)
		}
	}
}

func TestLongImagesAreShortInTheLog(t *testing.T) {
	t.Parallel()
	image := strings.Repeat("x", 3000) + "\x1b"
	f := newFixture(policy.ModeEnforce)
	f.checker.verdicts = map[string]imagepull.Verdict{image: {Reason: imagepull.ReasonInvalidImageName, Detail: "too long"}}
	f.review(t, create("Pod", podOf(image)))
	if got := f.log.Len(); got > 1024 {
		t.Errorf("the log line has %d bytes, want at most 1024", got)
	}
}
