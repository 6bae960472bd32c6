package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr"
	"github.com/google/go-cmp/cmp"

	"github.com/pullgate/pullgate/test/process"
)

// logLines decodes the lines of a log in the format JSON.
func logLines(t *testing.T, text string) []map[string]any {
	t.Helper()
	var lines []map[string]any
	for line := range strings.Lines(text) {
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Errorf("line %q is not JSON: %v", line, err)
		}
		lines = append(lines, fields)
	}
	return lines
}

func TestLogHasTheFlagsFormatAndLevel(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		options logOptions
		want    string
	}{
		"json": {logOptions{"info", "json"}, `{"level":"INFO","msg":"decided","duration":"4.2ms"}
{"level":"WARN","msg":"close to a warning"}
`},
		"text": {logOptions{"info", "text"}, `level=INFO msg=decided duration=4.2ms
level=WARN msg="close to a warning"
`},
		"warn": {logOptions{"warn", "text"}, "level=WARN msg=\"close to a warning\"\n"},
		"debug": {logOptions{"debug", "text"}, `level=DEBUG msg="of a library" v=4
level=INFO msg=decided duration=4.2ms
level=WARN msg="close to a warning"
`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			l, err := newLogging(&out, test.options)
			if err != nil {
				t.Fatal(err)
			}
			library := logr.FromSlogHandler(l.Handler())
			library.V(4).Info("of a library", "v", 4)
			library.V(5).Info("client-go may log requests at this verbosity", "v", 5)
			l.InfoContext(t.Context(), "decided", "duration", 4200*time.Microsecond)
			l.Log(t.Context(), slog.LevelWarn+2, "close to a warning")
			var got strings.Builder
			for line := range strings.Lines(out.String()) {
				line = strings.Replace(line, `"time":"`+timeOf(line, `"time":"`, `"`)+`",`, "", 1)
				got.WriteString(strings.Replace(line, "time="+timeOf(line, "time=", " ")+" ", "", 1))
			}
			if diff := cmp.Diff(test.want, got.String()); diff != "" {
				t.Errorf("log (-want +got):\n%s", diff)
			}
		})
	}
}

// timeOf returns the text between two others.
func timeOf(line, before, after string) string {
	_, rest, _ := strings.Cut(line, before)
	text, _, _ := strings.Cut(rest, after)
	return text
}

func TestUnknownLevelsAndFormatsAreErrors(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		options logOptions
		want    string
	}{
		"level":         {logOptions{"verbose", "json"}, `--log-level: "verbose" is not one of debug, info, warn, error`},
		"number":        {logOptions{"-4", "json"}, `--log-level: "-4" is not one of debug, info, warn, error`},
		"no level":      {logOptions{"", "json"}, `--log-level: "" is not one of debug, info, warn, error`},
		"capital level": {logOptions{"INFO", "json"}, `--log-level: "INFO" is not one of debug, info, warn, error`},
		"format":        {logOptions{"info", "xml"}, `--log-format: "xml" is not one of json, text`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := newLogging(&bytes.Buffer{}, test.options); err == nil || err.Error() != test.want {
				t.Errorf("newLogging() = %v, want %s", err, test.want)
			}
		})
	}
}

// A client that opens connections without TLS must not fill the log.
func TestHandshakeErrorsAreThrottled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out process.Buffer
		errorLog := newErrorLog(slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{ReplaceAttr: readable})))
		scan := func(connections int) {
			for port := range connections {
				errorLog.Printf("http: TLS handshake error from 192.0.2.1:%d: EOF", port)
			}
		}
		counts := func() (handshakes, others int, omitted []any) {
			for _, line := range logLines(t, out.String()) {
				text, _ := line["error"].(string)
				switch {
				case line["omitted"] != nil:
					omitted = append(omitted, line["omitted"], line["within"])
				case strings.HasPrefix(text, "http: TLS handshake error from 192.0.2.1:"):
					handshakes++
				default:
					others++
				}
			}
			out.Reset()
			return handshakes, others, omitted
		}
		want := func(step string, handshakes, others int, omitted ...any) {
			t.Helper()
			gotHandshakes, gotOthers, gotOmitted := counts()
			if diff := cmp.Diff(fmt.Sprint(handshakes, others, omitted), fmt.Sprint(gotHandshakes, gotOthers, gotOmitted)); diff != "" {
				t.Errorf("%s: handshake errors, other errors, omitted (-want +got):\n%s", step, diff)
			}
		}
		scan(1000)
		errorLog.Print("http: panic serving 192.0.2.1:1: oops")
		want("a scan", maxHandshakeErrors, 1)
		time.Sleep(time.Minute)
		synctest.Wait()
		want("a minute later", 0, 0, float64(1000-maxHandshakeErrors), "1m0s")
		scan(3)
		want("the next minute", 3, 0)
		time.Sleep(time.Minute)
		synctest.Wait()
		want("after few errors", 0, 0)
	})
}
