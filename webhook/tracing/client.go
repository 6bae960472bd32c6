package tracing

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

const (
	// requestTimeout bounds the time to send a batch.
	requestTimeout = 10 * time.Second
	// maxResponse bounds the bytes that are read of a response, so that its connection can be used again.
	maxResponse = 64 << 10
)

// client sends spans by OTLP over HTTP with protobuf. The exporters of OpenTelemetry contain gRPC, even the one for HTTP, which adds
// 22 MB to the program.
type client struct {
	url  string
	http *http.Client
	log  *slog.Logger

	mu sync.Mutex
	// failing reports whether the last request has failed.
	failing bool
}

var _ otlptrace.Client = (*client)(nil)

func newClient(endpoint string, log *slog.Logger) (*client, error) {
	u, err := url.Parse(endpoint)
	switch {
	case err != nil, u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "":
		return nil, errors.New("want the URL of an OTLP receiver for HTTP, such as http://192.0.2.1:4318")
	case u.User != nil, u.RawQuery != "", u.Fragment != "":
		return nil, errors.New("want a URL without user, query and fragment")
	}
	return &client{
		url: u.JoinPath("v1", "traces").String(),
		http: &http.Client{
			// The proxy of the environment is the one for registries.
			Transport: &http.Transport{MaxIdleConns: 1, IdleConnTimeout: time.Minute, ForceAttemptHTTP2: true},
			CheckRedirect: func(*http.Request, []*http.Request) error {
				return http.ErrUseLastResponse
			},
			Timeout: requestTimeout,
		},
		log: log,
	}, nil
}

// Start implements otlptrace.Client.
func (c *client) Start(context.Context) error { return nil }

// Stop implements otlptrace.Client.
func (c *client) Stop(context.Context) error {
	c.http.CloseIdleConnections()
	return nil
}

// UploadTraces implements otlptrace.Client. It logs an error and drops the batch. The SDK would log every one of its errors.
func (c *client) UploadTraces(ctx context.Context, spans []*tracepb.ResourceSpans) error {
	err := c.upload(ctx, spans)
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case err != nil && !c.failing:
		c.log.WarnContext(ctx, "cannot send traces", "endpoint", c.url, "error", err)
	case err == nil && c.failing:
		c.log.InfoContext(ctx, "traces are sent again", "endpoint", c.url)
	}
	c.failing = err != nil
	return nil
}

func (c *client) upload(ctx context.Context, spans []*tracepb.ResourceSpans) error {
	// TracesData has the encoding of an ExportTraceServiceRequest, whose package contains gRPC.
	body, err := proto.Marshal(&tracepb.TracesData{ResourceSpans: spans})
	if err != nil {
		return fmt.Errorf("encoding spans: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-protobuf")
	resp, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, _ = io.CopyN(io.Discard, resp.Body, maxResponse)
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return fmt.Errorf("status %d", resp.StatusCode)
	}
	return nil
}
