package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pullgate/pullgate/test/registry"
)

func TestHandlerControlsTheRegistry(t *testing.T) {
	t.Parallel()
	server, err := registry.Start(registry.Config{PlainHTTP: true})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	h := handler(server, []byte("program"))
	manifest := func() int {
		resp, err := http.Get(server.URL() + "/v2/shop/web/manifests/1")
		if err != nil {
			return 0
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	// Each step starts with the state after the steps before it.
	for _, step := range []struct {
		method, path string
		status       int
		// then is the registry's status for the manifest afterwards; 0 without a response.
		then int
	}{
		{"GET", "/healthz", http.StatusOK, http.StatusNotFound},
		{"POST", "/images/shop/web:1", http.StatusOK, http.StatusOK},
		{"GET", "/requests", http.StatusOK, http.StatusOK},
		{"POST", "/images/NO", http.StatusInternalServerError, http.StatusOK},
		{"POST", "/start", http.StatusInternalServerError, http.StatusOK},
		{"POST", "/stop", http.StatusOK, 0},
		{"POST", "/stop", http.StatusOK, 0},
		{"POST", "/start", http.StatusOK, http.StatusOK},
	} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(step.method, step.path, nil))
		if w.Code != step.status {
			t.Errorf("%s %s: got status %d, want %d", step.method, step.path, w.Code, step.status)
		}
		if got := manifest(); got != step.then {
			t.Errorf("after %s %s the registry responds with %d, want %d", step.method, step.path, got, step.then)
		}
	}
}

func TestRunChecksItsArguments(t *testing.T) {
	t.Parallel()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	tests := map[string]struct {
		args    []string
		wantErr bool
	}{
		"no arguments":             {},
		"valid arguments":          {args: []string{"-addr=127.0.0.1:0", "-admin=127.0.0.1:0", "-password=p"}},
		"an unknown flag":          {args: []string{"-x"}, wantErr: true},
		"an invalid address":       {args: []string{"-addr=nowhere"}, wantErr: true},
		"an invalid admin address": {args: []string{"-addr=127.0.0.1:0", "-admin=nowhere"}, wantErr: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := ended
			if tt.wantErr {
				ctx = t.Context()
			}
			if err := run(ctx, tt.args, t.Output(), t.Output()); (err != nil) != tt.wantErr {
				t.Errorf("got error %v, want one: %v", err, tt.wantErr)
			}
		})
	}
}

func TestProbe(t *testing.T) {
	t.Parallel()
	server, err := registry.Start(registry.Config{PlainHTTP: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	const search = "search svc.cluster.local\n"
	config := filepath.Join(t.TempDir(), "resolv.conf")
	if err := os.WriteFile(config, []byte(search), 0o600); err != nil {
		t.Fatal(err)
	}
	up := server.URL() + "/v2/"
	tests := map[string]struct {
		url, config string
		want        string
		wantErr     bool
	}{
		"a response":              {url: up, config: config, want: search + "\n" + up + ": 200 OK\n"},
		"no response":             {url: "http://127.0.0.1:0/", config: config, want: search + "\n", wantErr: true},
		"an invalid URL":          {url: "http://%", config: config, wantErr: true},
		"no resolver is readable": {url: up, config: t.TempDir(), wantErr: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			err := probe(t.Context(), tt.url, tt.config, &out)
			if out.String() != tt.want || (err != nil) != tt.wantErr {
				t.Errorf("got %q and error %v, want %q and an error: %v", out.String(), err, tt.want, tt.wantErr)
			}
		})
	}
}
