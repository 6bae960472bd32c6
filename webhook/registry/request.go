package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/pullgate/pullgate/webhook/registry/egress"
)

// request is a request for one object of a repository: a manifest by tag or digest, or a blob.
type request struct {
	method, object, accept string
	// blob selects a blob. At most maxBytes of its body are read.
	blob     bool
	maxBytes int64
	// byteRange is the Range header; empty for the whole object.
	byteRange string
}

// response is an HTTP response, reduced to what a verdict depends on.
type response struct {
	status      int
	contentType string
	digest      string
	length      int64 // of the header, -1 if unknown
	// total is the length of the whole content as the headers state it, or zero if they do not.
	total      int64
	body       []byte
	codes      []transport.ErrorCode
	retryAfter time.Duration
	// isForeign marks the response of another host after a redirect.
	isForeign bool
	// sentPassword reports that the request carried the credential itself.
	sentPassword bool
}

// size returns the length of the body if it was read, else of the header.
func (r response) size() int64 {
	if r.body != nil {
		return int64(len(r.body))
	}
	return r.length
}

func (r response) isSuccess() bool { return r.status >= 200 && r.status < 300 }

// hasCode reports whether the error body holds a code.
func (r response) hasCode(code transport.ErrorCode) bool {
	for _, c := range r.codes {
		if c == code {
			return true
		}
	}
	return false
}

// send sends a request, with authorization and redirects, and reads its response.
func (s *session) send(ctx context.Context, r request) (response, error) {
	address, err := s.address(r)
	if err != nil {
		return response{}, err
	}
	req, err := http.NewRequestWithContext(ctx, r.method, address.String(), nil)
	if err != nil {
		return response{}, err
	}
	req.Header = s.endpoint.auth.Header.Clone()
	req.Header.Add("Accept", r.accept)
	if r.byteRange != "" {
		req.Header.Set("Range", r.byteRange)
	}
	resp, err := s.auth.RoundTrip(req)
	if err != nil {
		return response{}, err
	}
	defer resp.Body.Close()
	return s.read(resp, r)
}

// address returns the URL of a manifest or a blob. Like containerd, it parses the path from hosts.toml as a part of the URL's
// text, whatever characters it holds.
func (s *session) address(r request) (*url.URL, error) {
	e := s.endpoint
	kind := "manifests"
	if r.blob {
		kind = "blobs"
	}
	address, err := url.Parse(e.Scheme + "://" + e.Name + path.Join("/", e.Path, s.ref.Path, kind, r.object))
	if err != nil {
		return nil, fmt.Errorf("making the address: %w", err)
	}
	if e.isMirror() {
		query := address.Query()
		query.Add("ns", e.namespace)
		address.RawQuery = query.Encode()
	}
	return address, nil
}

// read reduces a response, and bounds its body.
func (s *session) read(resp *http.Response, r request) (response, error) {
	out := response{
		status:       resp.StatusCode,
		contentType:  mediaType(resp.Header),
		digest:       resp.Header.Get("Docker-Content-Digest"),
		length:       resp.ContentLength,
		total:        statedTotal(resp),
		retryAfter:   egress.RetryAfter(resp.Header, s.client.options.Clock.Now()),
		isForeign:    resp.Request.URL.Host != s.endpoint.Name,
		sentPassword: s.auth.SentPassword(),
	}
	if resp.Request.Method == http.MethodHead {
		return out, nil
	}
	if out.status >= 300 {
		out.codes = errorCodes(resp)
		return out, nil
	}
	limit := s.client.options.ManifestBytes
	if r.blob {
		limit = r.maxBytes
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	if err == nil {
		// A server that notices the timeout may end an incomplete body without an error.
		err = resp.Request.Context().Err()
	}
	out.body = body
	return out, err
}

// statedTotal returns the length of the whole content. The response to a request for a range states it in Content-Range.
func statedTotal(resp *http.Response) int64 {
	switch {
	case resp.Header.Get("Content-Encoding") != "":
		return 0 // the headers state compressed lengths
	case resp.StatusCode != http.StatusPartialContent:
		return max(resp.ContentLength, 0)
	}
	_, total, _ := strings.Cut(resp.Header.Get("Content-Range"), "/")
	length, err := strconv.ParseInt(total, 10, 64)
	if err != nil {
		return 0
	}
	return max(length, 0)
}

// mediaType returns the Content-Type without parameters, as containerd does (core/remotes/docker/resolver.go,
// getManifestMediaType).
func mediaType(header http.Header) string {
	contentType, _, _ := strings.Cut(header.Get("Content-Type"), ";")
	return contentType
}

// errorCodes returns the codes of an error body. transport.CheckError bounds what it reads.
func errorCodes(resp *http.Response) []transport.ErrorCode {
	e, ok := errors.AsType[*transport.Error](transport.CheckError(resp))
	if !ok {
		return nil
	}
	codes := make([]transport.ErrorCode, 0, len(e.Errors))
	for _, d := range e.Errors {
		codes = append(codes, d.Code)
	}
	return codes
}
