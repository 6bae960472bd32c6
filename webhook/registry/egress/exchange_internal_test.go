package egress

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/semaphore"
)

type roundTripFunc func(*http.Request) (*http.Response, error)

func (f roundTripFunc) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

func TestExchangeEndsWithTheBody(t *testing.T) {
	t.Parallel()
	var ctx context.Context
	e := &exchange{timeout: time.Hour, budget: semaphore.NewWeighted(budgetBytes), client: &http.Client{Transport: roundTripFunc(func(req *http.Request) (*http.Response, error) {
		ctx = req.Context()
		return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader("body")), Request: req}, nil
	})}}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://registry.example/v2/", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := e.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := ctx.Deadline(); !ok || ctx.Err() != nil {
		t.Errorf("before the end of the body: deadline %t, error %v, want a deadline and no error", ok, ctx.Err())
	}
	if err := resp.Body.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	if !errors.Is(ctx.Err(), context.Canceled) {
		t.Errorf("after Close the context has error %v, want canceled", ctx.Err())
	}
}
