package load

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
)

// Target is a webhook.
type Target struct {
	Addr string
	TLS  *tls.Config
	// Timeout is the timeout that the API server would send. Zero means ten seconds.
	Timeout time.Duration
}

func (t Target) path() string {
	timeout := t.Timeout
	if timeout == 0 {
		timeout = 10 * time.Second
	}
	return "/validate?timeout=" + timeout.String()
}

// Response is the response of a webhook.
type Response struct {
	Latency time.Duration
	Body    []byte
}

// Allowed reports whether the object was admitted.
func (r Response) Allowed() bool { return allowed(r.Body) }

func allowed(body []byte) bool { return bytes.Contains(body, []byte(`"allowed":true`)) }

// Warned reports whether the response has warnings. Pullgate warns for an indeterminate verdict.
func (r Response) Warned() bool { return bytes.Contains(r.Body, []byte(`"warnings":[`)) }

// Parse returns the admission response in the body.
func (r Response) Parse() (admissionv1.AdmissionResponse, error) {
	var review admissionv1.AdmissionReview
	if err := json.Unmarshal(r.Body, &review); err != nil {
		return admissionv1.AdmissionResponse{}, fmt.Errorf("parsing a response: %w", err)
	}
	if review.Response == nil {
		return admissionv1.AdmissionResponse{}, fmt.Errorf("the body has no response: %q", r.Body)
	}
	return *review.Response, nil
}

// Conn is a connection to a webhook. It does less than net/http's client, whose cost would be as high as the measured
// one.
type Conn struct {
	conn   *tls.Conn
	reader *bufio.Reader
	head   string
	buffer bytes.Buffer
}

// Dial opens a connection.
func (t Target) Dial(ctx context.Context) (*Conn, error) {
	conn, err := (&tls.Dialer{Config: t.TLS}).DialContext(ctx, "tcp", t.Addr)
	if err != nil {
		return nil, fmt.Errorf("connecting to the webhook: %w", err)
	}
	return &Conn{
		conn: conn.(*tls.Conn), reader: bufio.NewReader(conn),
		head: "POST " + t.path() + " HTTP/1.1\r\nHost: " + t.Addr + "\r\nContent-Type: application/json\r\nContent-Length: ",
	}, nil
}

// Close closes the connection.
func (c *Conn) Close() { _ = c.conn.Close() }

// Do sends a review and returns the response.
func (c *Conn) Do(review []byte) (Response, error) {
	c.buffer.Reset()
	fmt.Fprintf(&c.buffer, "%s%d\r\n\r\n", c.head, len(review))
	c.buffer.Write(review)
	start := time.Now()
	if _, err := c.conn.Write(c.buffer.Bytes()); err != nil {
		return Response{}, fmt.Errorf("sending a review: %w", err)
	}
	resp, err := http.ReadResponse(c.reader, nil)
	if err != nil {
		return Response{}, fmt.Errorf("reading a response: %w", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return Response{}, fmt.Errorf("reading a response: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return Response{}, fmt.Errorf("the webhook returned %s", resp.Status)
	}
	return Response{time.Since(start), body}, nil
}
