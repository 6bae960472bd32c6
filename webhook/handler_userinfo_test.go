package webhook_test

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"testing"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/podspec"
	"github.com/pullgate/pullgate/webhook/policy"
	"github.com/pullgate/pullgate/webhook/report"
)

// withPasswords returns images with a password that a user copied from elsewhere.
func withPasswords() []string {
	return []string{
		"alice:hunter2@registry.example/web:1",
		"alice:hunter2@registry.example:5000/web@sha256:" + strings.Repeat("0", 64),
		"https://alice:hunter2@registry.example/web:1",
		"https://alice:x/hunter2@registry.example/web",
		"docker://hunter2@registry.example/web",
		"hunter2@registry.example/web",
		"alice:hunter2@registry.example",
	}
}

func TestNoOutputHasThePasswordOfAnImage(t *testing.T) {
	t.Parallel()
	for _, image := range withPasswords() {
		outputs := map[string]string{}
		for _, mode := range []policy.Mode{policy.ModeEnforce, policy.ModeWarn, policy.ModeAudit} {
			f := newFixture(mode)
			f.checker.verdicts = map[string]imagepull.Verdict{}
			use := podspec.Image(image)
			f.checker.verdicts[use.Image] = imagepull.Verdict{Reason: imagepull.ReasonInvalidImageName, Detail: use.ParseError}
			response, err := json.Marshal(f.review(t, create("Pod", podOf(image))))
			if err != nil {
				t.Fatal(err)
			}
			outputs["response in mode "+string(mode)] = string(response)
			lines, err := json.Marshal(f.logLines(t))
			if err != nil {
				t.Fatal(err)
			}
			outputs["log in mode "+string(mode)] = string(lines)
		}
		use := podspec.Image(image)
		finding := imagepull.Finding{Use: use, Verdict: imagepull.Verdict{Reason: imagepull.ReasonInvalidImageName, Detail: use.ParseError}}
		outputs["line"], outputs["warning"] = report.Line(finding), report.Warning(finding)
		writers := map[string]func(io.Writer, report.Report) error{
			"JSON": report.WriteJSON, "YAML": report.WriteYAML,
			"table": func(w io.Writer, r report.Report) error { return report.WriteTable(w, r, false) },
		}
		for name, write := range writers {
			var out bytes.Buffer
			if err := write(&out, report.Report{Entries: []report.Entry{{Finding: finding}}}); err != nil {
				t.Fatal(err)
			}
			outputs[name] = out.String()
		}
		for name, output := range outputs {
			if strings.Contains(output, "hunter2") || !strings.Contains(output, "***") {
				t.Errorf("%s: %s:\n%s\nwant the image with a masked password", image, name, output)
			}
		}
	}
}
