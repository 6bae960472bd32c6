package main

import (
	"context"
	"net/http"
	"net/http/httptest"
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
			if err := run(ctx, tt.args, t.Output()); (err != nil) != tt.wantErr {
				t.Errorf("got error %v, want one: %v", err, tt.wantErr)
			}
		})
	}
}
