package monitoring

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"
)

func TestAlertsReadMetricsThatAreExported(t *testing.T) {
	t.Parallel()
	used := regexp.MustCompile(`\$labels\.(\w+)`)
	for _, a := range alerts(t) {
		var labels []string
		for _, text := range a.Annotations {
			for _, match := range used.FindAllStringSubmatch(text, -1) {
				labels = append(labels, match[1])
			}
		}
		checkQuery(t, a.Expr, labels...)
	}
}

func TestAlertsAreComplete(t *testing.T) {
	t.Parallel()
	for _, a := range alerts(t) {
		if d, err := time.ParseDuration(a.For); err != nil || d < time.Minute {
			t.Errorf("%s: for %q, want a minute or more", a.Alert, a.For)
		}
		if !slices.Contains([]string{"critical", "warning"}, a.Labels["severity"]) {
			t.Errorf("%s: severity %q", a.Alert, a.Labels["severity"])
		}
		for _, name := range []string{"summary", "description"} {
			if !strings.HasSuffix(a.Annotations[name], ".") {
				t.Errorf("%s: %s %q, want a sentence", a.Alert, name, a.Annotations[name])
			}
		}
		if strings.Contains(a.Annotations["summary"], "{{") {
			t.Errorf("%s: the summary differs between instances of the alert", a.Alert)
		}
	}
}

// Each alert has a runbook under its name: what it means, how to find the cause, what to do.
func TestEveryAlertHasARunbook(t *testing.T) {
	t.Parallel()
	const url = "https://github.com/pullgate/pullgate/blob/main/manifests/monitoring/README.md#"
	readme := read(t, filepath.Join(folder, "README.md"))
	var names []string
	for _, a := range alerts(t) {
		names = append(names, a.Alert)
		if got, want := a.Annotations["runbook_url"], url+strings.ToLower(a.Alert); got != want {
			t.Errorf("%s: runbook %s, want %s", a.Alert, got, want)
		}
		_, section, ok := strings.Cut(readme, "\n### "+a.Alert+"\n")
		section, _, _ = strings.Cut(section, "\n#")
		if words := len(strings.Fields(section)); !ok || words < 20 {
			t.Errorf("%s: the runbook has %d words", a.Alert, words)
		}
	}
	for _, match := range regexp.MustCompile(`(?m)^### (Pullgate\w+)$`).FindAllStringSubmatch(readme, -1) {
		if !slices.Contains(names, match[1]) {
			t.Errorf("%s has a runbook and is not an alert", match[1])
		}
	}
}

// promtool runs the unit tests. Here they are only counted: an alert fires in one case and does not in another.
func TestEveryAlertHasUnitTests(t *testing.T) {
	t.Parallel()
	var file struct {
		Tests []struct {
			Name  string `json:"name"`
			Rules []struct {
				Alertname string `json:"alertname"`
				Expected  []any  `json:"exp_alerts"`
			} `json:"alert_rule_test"`
		} `json:"tests"`
	}
	if err := yaml.Unmarshal([]byte(read(t, filepath.Join("testdata", "alerts.yaml"))), &file); err != nil {
		t.Fatal(err)
	}
	fires, quiet := map[string]bool{}, map[string]bool{}
	for _, test := range file.Tests {
		isQuiet := true
		for _, r := range test.Rules {
			isQuiet = isQuiet && len(r.Expected) == 0
			if !strings.HasPrefix(test.Name, r.Alertname+" ") {
				t.Errorf("%q tests %s", test.Name, r.Alertname)
			}
		}
		for _, r := range test.Rules {
			fires[r.Alertname] = fires[r.Alertname] || !isQuiet
			quiet[r.Alertname] = quiet[r.Alertname] || isQuiet
		}
	}
	for _, a := range alerts(t) {
		if !fires[a.Alert] || !quiet[a.Alert] {
			t.Errorf("%s: a case in which it fires: %t, in which it does not: %t", a.Alert, fires[a.Alert], quiet[a.Alert])
		}
	}
}
