package registry

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/pullgate/pullgate/webhook/registry/egress"
)

// maxErrorBytes bounds the body of an error. Real ones have less than a KiB. A longer one has no codes.
const maxErrorBytes = 16 << 10

// request is a request for one object of a repository: a manifest by tag or digest, or a blob.
type request struct {
	method, object, accept string
	// blob selects a blob. At most maxBytes of its body are read.
	blob     bool
	maxBytes int64
	// byteRange is the Range header; empty for the whole object.
	byteRange string
	// digest is the expected digest of the content, if it differs from the object; empty if it is not known.
	digest string
	// decode decodes the content of a success to GET. If nil, only its length and its digest count.
	decode func(contentType string, body []byte) document
	// fetches marks the request of a node for the content of a digest, in contrast to one that resolves a reference.
	fetches bool
}

// acceptEncoding returns the Accept-Encoding of the request, as a node sends it: net/http adds gzip to GET by itself
// (containerd: core/remotes/docker/fetcher.go, open). A part of an object is requested as it is.
func (r request) acceptEncoding() string {
	switch {
	case r.method == http.MethodHead, r.byteRange != "":
		return ""
	case r.fetches:
		return "zstd;q=1.0, gzip;q=0.8, deflate;q=0.5"
	}
	return "gzip"
}

// response is an HTTP response, reduced to what a verdict depends on.
type response struct {
	method      string
	status      int
	contentType string
	digest      string
	length      int64 // of the header, -1 if unknown
	// total is the length of the whole content as the headers state it, or zero if they do not.
	total       int64
	content     content
	codes       []transport.ErrorCode
	retryAfter  time.Duration
	redirection egress.Redirection
	// isWebPage marks an HTML page without a sign of the registry API.
	isWebPage bool
	// pullsExhausted marks a response that names no remaining pull of the registry's rate limit.
	pullsExhausted bool
	// weakToken reports that the token service did not receive all that a node sends, so that its token may grant less.
	weakToken bool
	// sentPassword reports that the request carried the credential itself.
	sentPassword bool
}

// size returns the length of the content if it was read, else of the header.
func (r response) size() int64 {
	if r.content.isRead {
		return r.content.size
	}
	return r.length
}

func (r response) isSuccess() bool { return r.status >= 200 && r.status < 300 }

// isAbsent reports whether the registry lacks the object. The 404 of a host that did not receive the credential proves nothing.
func (r response) isAbsent() bool {
	return r.status == http.StatusNotFound && !r.redirection.Withheld && !r.weakToken
}

// hasCode reports whether the error body holds a code.
func (r response) hasCode(code transport.ErrorCode) bool { return slices.Contains(r.codes, code) }

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
	req.Header = s.endpoint.auth.NewHeader(s.endpoint.Name)
	req.Header.Add("Accept", r.accept)
	if encoding := r.acceptEncoding(); encoding != "" {
		req.Header.Set("Accept-Encoding", encoding)
	}
	if r.byteRange != "" {
		req.Header.Set("Range", r.byteRange)
	}
	resp, err := s.auth.RoundTrip(req)
	if err != nil {
		return response{}, err
	}
	defer resp.Body.Close()
	return s.read(ctx, resp, r)
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

// read reduces a response.
func (s *session) read(ctx context.Context, resp *http.Response, r request) (response, error) {
	out := response{
		method:       resp.Request.Method,
		status:       resp.StatusCode,
		contentType:  mediaType(resp.Header),
		digest:       resp.Header.Get("Docker-Content-Digest"),
		length:       resp.ContentLength,
		total:        statedTotal(resp),
		retryAfter:   egress.RetryAfter(resp.Header, s.client.options.Clock.Now()),
		redirection:  egress.RedirectionOf(resp),
		weakToken:    s.auth.Withheld(),
		sentPassword: s.auth.SentPassword(),
	}
	if s.endpoint.auth.Withholds(resp.Request.URL.Host) {
		out.redirection.Withheld = true
	}
	out.pullsExhausted = pullsExhausted(resp.Header)
	if out.status >= 300 && out.method != http.MethodHead {
		out.codes = errorCodes(resp)
	}
	out.isWebPage = isWebPage(resp.Header) && len(out.codes) == 0
	if out.status >= 300 || out.method == http.MethodHead {
		return out, nil
	}
	var err error
	out.content, err = s.readContent(ctx, resp, r)
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

// isWebPage reports whether a header belongs to an HTML page and has no sign of the registry API. A portal, a bot wall or a
// firewall sends such a page, and may let the nodes through.
func isWebPage(header http.Header) bool {
	return strings.EqualFold(strings.TrimSpace(mediaType(header)), "text/html") &&
		header.Get("Docker-Distribution-Api-Version") == "" && header.Get("WWW-Authenticate") == ""
}

// pullsExhausted reports whether a header gives no remaining pull, such as "0;w=21600". Docker Hub answers HEAD then, and
// refuses the GET of a node.
func pullsExhausted(header http.Header) bool {
	remaining, _, _ := strings.Cut(header.Get("Ratelimit-Remaining"), ";")
	return strings.TrimSpace(remaining) == "0"
}

// errorCodes returns the codes of an error body. Other fields are not decoded, because their values could take a hundred times
// the memory of the body.
func errorCodes(resp *http.Response) []transport.ErrorCode {
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxErrorBytes))
	if err != nil {
		return nil
	}
	var document struct {
		Errors []struct {
			Code transport.ErrorCode `json:"code"`
		} `json:"errors"`
	}
	_ = json.Unmarshal(body, &document) // another body has no codes
	codes := make([]transport.ErrorCode, 0, len(document.Errors))
	for _, e := range document.Errors {
		codes = append(codes, e.Code)
	}
	return codes
}
