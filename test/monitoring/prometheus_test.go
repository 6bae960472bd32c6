//go:build monitoring

package monitoring

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pullgate/pullgate/test/process"
)

// prometheus is a running Prometheus.
type prometheus struct{ url string }

// prometheusConfiguration scrapes Pullgate as the PodMonitor does, with the labels of the operator, and the API server.
const prometheusConfiguration = `
global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [rules.yaml]
scrape_configs:
  - job_name: pullgate
    static_configs:
      - targets: [%q]
        labels: {namespace: pullgate-system, pod: pullgate-0, container: pullgate}
  - job_name: apiserver
    scheme: https
    # An API server has tens of thousands of series.
    scrape_interval: 5s
    tls_config: {ca_file: ca.crt, cert_file: client.crt, key_file: client.key}
    static_configs: [{targets: [%q]}]
    metric_relabel_configs:
      - {source_labels: [__name__], regex: "apiserver_admission_.*", action: keep}
`

func startPrometheus(t *testing.T, e *environment) prometheus {
	t.Helper()
	ports, err := process.FreePorts(1)
	if err != nil {
		t.Fatal(err)
	}
	address := fmt.Sprintf("127.0.0.1:%d", ports[0])
	admin := e.plane.Admin
	dir := filepath.Join(t.TempDir())
	apiServer, err := url.Parse(admin.Host)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "ca.crt"), admin.CAData)
	write(t, filepath.Join(dir, "client.crt"), admin.CertData)
	write(t, filepath.Join(dir, "client.key"), admin.KeyData)
	writeRules(t, filepath.Join(dir, "rules.yaml"))
	write(t, filepath.Join(dir, "prometheus.yaml"), fmt.Appendf(nil, prometheusConfiguration, e.metrics, apiServer.Host))
	cmd := exec.Command(program(t, "PROMETHEUS"), "--config.file="+filepath.Join(dir, "prometheus.yaml"),
		"--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+address)
	p, err := process.Start(cmd, process.Options{OwnGroup: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.Stop(stopGrace)
		if t.Failed() {
			t.Logf("the end of the log of prometheus:\n%s", p.Output())
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	if err := p.AwaitReady(ctx, "http://"+address+"/-/ready"); err != nil {
		t.Fatal(err)
	}
	return prometheus{"http://" + address}
}

// get decodes the data of a response of the API.
func (p prometheus) get(ctx context.Context, path string, query url.Values, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url+path+"?"+query.Encode(), nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	response := struct {
		Status, Error string
		Data          any
	}{Data: into}
	if err := json.NewDecoder(resp.Body).Decode(&response); err != nil {
		return err
	}
	if response.Status != "success" {
		return fmt.Errorf("%s: %s", response.Status, response.Error)
	}
	return nil
}

// timeRange is the range of a query.
type timeRange struct {
	start, end time.Time
	step       time.Duration
}

// run runs a query of the dashboard over a range. The names are from the legend.
func (p prometheus) run(ctx context.Context, q target, r timeRange) ([]series, error) {
	// As in Grafana, the interval of a rate has several scrapes.
	query := strings.ReplaceAll(q.Expr, "$__rate_interval", "20s")
	var answer struct {
		Result []struct {
			Metric map[string]string
			Values [][2]any
		}
	}
	err := p.get(ctx, "/api/v1/query_range", url.Values{
		"query": {query}, "step": {r.step.String()}, "start": {r.start.Format(time.RFC3339Nano)}, "end": {r.end.Format(time.RFC3339Nano)},
	}, &answer)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", query, err)
	}
	var all []series
	for _, result := range answer.Result {
		s := series{name: legend(q.LegendFormat, result.Metric), values: slices.Repeat([]float64{math.NaN()}, int(r.end.Sub(r.start)/r.step)+1)}
		for _, sample := range result.Values {
			at, _ := sample[0].(float64)
			text, _ := sample[1].(string)
			value, err := strconv.ParseFloat(text, 64)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", query, err)
			}
			i := int(math.Round((at - float64(r.start.UnixMilli())/1000) / r.step.Seconds()))
			s.values[i] = value
		}
		all = append(all, s)
	}
	return all, nil
}

// scrapesAPIServer reports whether the API server was scraped often enough for a rate since a time. A busy one may miss scrapes.
func (p prometheus) scrapesAPIServer(ctx context.Context, since time.Time) bool {
	const enough = 4
	var answer struct {
		Result []struct{ Value [2]any }
	}
	query := fmt.Sprintf(`sum_over_time(up{job="apiserver"}[%ds])`, int(time.Since(since).Seconds())+1)
	if err := p.get(ctx, "/api/v1/query", url.Values{"query": {query}}, &answer); err != nil || len(answer.Result) == 0 {
		return false
	}
	text, _ := answer.Result[0].Value[1].(string)
	scrapes, err := strconv.ParseFloat(text, 64)
	return err == nil && scrapes >= enough
}

func legend(format string, labels map[string]string) string {
	return regexp.MustCompile(`\{\{\s*(\w+)\s*\}\}`).ReplaceAllStringFunc(format, func(match string) string {
		return labels[strings.Trim(match, "{} ")]
	})
}

// checkRules fails unless Prometheus evaluates every alert.
func (p prometheus) checkRules(t *testing.T) {
	t.Helper()
	var answer struct {
		Groups []struct {
			Rules []struct{ Name, Health, LastError string }
		}
	}
	if err := p.get(t.Context(), "/api/v1/rules", nil, &answer); err != nil {
		t.Fatal(err)
	}
	evaluated := map[string]bool{}
	for _, g := range answer.Groups {
		for _, r := range g.Rules {
			evaluated[r.Name] = r.Health == "ok"
			if r.LastError != "" {
				t.Errorf("%s: %s", r.Name, r.LastError)
			}
		}
	}
	for _, a := range alerts(t) {
		if !evaluated[a.Alert] {
			t.Errorf("%s is not evaluated", a.Alert)
		}
	}
}
