package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func newTestLogging(t *testing.T, out *bytes.Buffer) logging {
	t.Helper()
	l, err := newLogging(out, logOptions{level: "info", format: formatText})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestDebugServerIsOnLoopbackOnly(t *testing.T) {
	t.Parallel()
	const notLoopback = "is not a loopback address such as 127.0.0.1:6060"
	for name, test := range map[string]struct {
		options debugOptions
		want    string
	}{
		"off":                {debugOptions{address: "0"}, ""},
		"profiles alone":     {debugOptions{address: "0", profiling: true}, "--profiling requires --debug-bind-address"},
		"all interfaces":     {debugOptions{address: ":6060"}, notLoopback},
		"all, IPv4":          {debugOptions{address: "0.0.0.0:6060"}, notLoopback},
		"all, IPv6":          {debugOptions{address: "[::]:6060"}, notLoopback},
		"another address":    {debugOptions{address: "192.0.2.1:6060"}, notLoopback},
		"a name":             {debugOptions{address: "localhost:6060"}, notLoopback},
		"no port":            {debugOptions{address: "127.0.0.1"}, notLoopback},
		"empty":              {debugOptions{address: ""}, notLoopback},
		"an address in use":  {debugOptions{address: inUse(t)}, "address already in use"},
		"a port that is not": {debugOptions{address: "127.0.0.1:66000"}, notLoopback},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := addDebugServer(t.Context(), nil, test.options, newTestLogging(t, &bytes.Buffer{}))
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("addDebugServer() = %v, want %q", err, test.want)
			}
		})
	}
	for address, want := range map[string]bool{"127.0.0.1:6060": true, "127.0.0.2:0": true, "[::1]:6060": true, "[::ffff:127.0.0.1]:6060": true} {
		if isLoopback(address) != want {
			t.Errorf("isLoopback(%q) = %t, want %t", address, !want, want)
		}
	}
}

// inUse returns an address at which a server listens.
func inUse(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

func TestLogLevelChangesAtRunTime(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := newTestLogging(t, &out)
	handler := newDebugHandler(debugOptions{}, log)
	for _, step := range []struct {
		method, body string
		code         int
		want         string
		debug        bool // whether a line of the level debug is logged after the step
	}{
		{http.MethodGet, "", http.StatusOK, "info\n", false},
		{http.MethodPut, "debug", http.StatusOK, "debug\n", true},
		{http.MethodPut, "loud", http.StatusBadRequest, "\"loud\" is not one of debug, info, warn, error\n", true},
		{http.MethodPut, "", http.StatusBadRequest, "\"\" is not one of debug, info, warn, error\n", true},
		{http.MethodPut, strings.Repeat("x", 1<<20), http.StatusBadRequest, "\"" + strings.Repeat("x", 64) + "\" is not one of debug, info, warn, error\n", true},
		{http.MethodPost, "info", http.StatusMethodNotAllowed, "Method Not Allowed\n", true},
		{http.MethodPut, "info\n", http.StatusOK, "info\n", false},
		{http.MethodGet, "", http.StatusOK, "info\n", false},
	} {
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), step.method, logLevelPath, strings.NewReader(step.body)))
		if recorder.Code != step.code || recorder.Body.String() != step.want {
			t.Errorf("%s %.10q: status %d with %q, want %d with %q", step.method, step.body, recorder.Code, recorder.Body, step.code, step.want)
		}
		out.Reset()
		log.DebugContext(t.Context(), "details")
		if got := out.Len() > 0; got != step.debug {
			t.Errorf("%s %.10q: details are logged: %t, want %t", step.method, step.body, got, step.debug)
		}
	}
}

func TestChangesOfTheLevelAreLogged(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	handler := newDebugHandler(debugOptions{}, newTestLogging(t, &out))
	handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodPut, logLevelPath, strings.NewReader("warn")))
	handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodPut, logLevelPath, strings.NewReader("debug")))
	for _, want := range []string{"from=info to=warn", "from=warn to=debug"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("log %q, want %q", out.String(), want)
		}
	}
}

func TestProfilesAreServedWhenAsked(t *testing.T) {
	t.Parallel()
	for _, profiling := range []bool{false, true} {
		handler := newDebugHandler(debugOptions{profiling: profiling}, newTestLogging(t, &bytes.Buffer{}))
		for _, path := range []string{"/debug/pprof/", "/debug/pprof/heap", "/debug/pprof/cmdline", "/debug/pprof/symbol"} {
			recorder := httptest.NewRecorder()
			handler.ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
			if got := recorder.Code == http.StatusOK; got != profiling {
				t.Errorf("profiling %t: status %d for %s", profiling, recorder.Code, path)
			}
		}
	}
}
