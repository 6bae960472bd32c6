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
	// Timeout is the one that the API server would tell; zero means ten seconds.
	Timeout time.Duration
}

func (t Target) path() string {
	timeout := t.Timeout
	if timeout == 0 {
		timeout = 10 * time.Second
	}
	return "/validate?timeout=" + timeout.String()
}

// Answer is what a webhook said.
type Answer struct {
	Latency time.Duration
	Body    []byte
}

// Allowed reports whether the object was admitted.
func (a Answer) Allowed() bool { return allowed(a.Body) }

func allowed(body []byte) bool { return bytes.Contains(body, []byte(`"allowed":true`)) }

// Warned reports whether there were remarks, as there are where a verdict is in doubt.
func (a Answer) Warned() bool { return bytes.Contains(a.Body, []byte(`"warnings":[`)) }

// Response parses the answer.
func (a Answer) Response() (admissionv1.AdmissionResponse, error) {
	var review admissionv1.AdmissionReview
	if err := json.Unmarshal(a.Body, &review); err != nil {
		return admissionv1.AdmissionResponse{}, fmt.Errorf("parsing an answer: %w", err)
	}
	if review.Response == nil {
		return admissionv1.AdmissionResponse{}, fmt.Errorf("there is no response in %q", a.Body)
	}
	return *review.Response, nil
}

// Conn is one connection to a webhook. It does less than net/http's client, which would cost as much as what it measures.
type Conn struct {
	conn   *tls.Conn
	reader *bufio.Reader
	head   string
	buffer bytes.Buffer
}

// Dial connects.
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

// Close ends the connection.
func (c *Conn) Close() { _ = c.conn.Close() }

// Do sends a review and waits for the answer.
func (c *Conn) Do(review []byte) (Answer, error) {
	c.buffer.Reset()
	fmt.Fprintf(&c.buffer, "%s%d\r\n\r\n", c.head, len(review))
	c.buffer.Write(review)
	start := time.Now()
	if _, err := c.conn.Write(c.buffer.Bytes()); err != nil {
		return Answer{}, fmt.Errorf("sending a review: %w", err)
	}
	resp, err := http.ReadResponse(c.reader, nil)
	if err != nil {
		return Answer{}, fmt.Errorf("reading an answer: %w", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return Answer{}, fmt.Errorf("reading an answer: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return Answer{}, fmt.Errorf("the webhook answers %s", resp.Status)
	}
	return Answer{time.Since(start), body}, nil
}
