package egress

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/sync/semaphore"
)

const (
	fetchEncodings = "zstd;q=1.0, gzip;q=0.8, deflate;q=0.5"
	content        = `{"manifests":[]}`
)

// encode encodes data in the order of a Content-Encoding.
func encode(t *testing.T, data []byte, encodings ...string) []byte {
	t.Helper()
	for _, encoding := range encodings {
		var b bytes.Buffer
		w := newEncoder(t, encoding, &b)
		if _, err := w.Write(data); err != nil {
			t.Fatalf("encoding: %v", err)
		}
		if err := w.Close(); err != nil {
			t.Fatalf("encoding: %v", err)
		}
		data = b.Bytes()
	}
	return data
}

func newEncoder(t *testing.T, encoding string, w io.Writer) io.WriteCloser {
	t.Helper()
	var (
		encoder io.WriteCloser
		err     error
	)
	switch encoding {
	case "gzip":
		encoder = gzip.NewWriter(w)
	case "zstd":
		encoder, err = zstd.NewWriter(w)
	case "deflate":
		encoder, err = flate.NewWriter(w, flate.DefaultCompression)
	}
	if err != nil {
		t.Fatalf("making an encoder: %v", err)
	}
	return encoder
}

func decoded(accepted, encoding string, body []byte) *http.Response {
	req := &http.Request{Header: http.Header{}}
	if accepted != "" {
		req.Header.Set("Accept-Encoding", accepted)
	}
	resp := &http.Response{
		Header: http.Header{"Content-Encoding": {encoding}}, ContentLength: int64(len(body)),
		Body: io.NopCloser(bytes.NewReader(body)),
	}
	resp.Body = io.NopCloser(decode(req, resp, unlimited(resp)))
	return resp
}

// unlimited returns a place that is always free.
func unlimited(resp *http.Response) *place {
	return newPlace(context.Background(), func() {}, &exchange{budget: semaphore.NewWeighted(budgetBytes), timeout: exchangeTime}, resp)
}

func TestDecode(t *testing.T) {
	t.Parallel()
	unsupported := &EncodingError{}
	tests := map[string]struct {
		accepted, encoding string
		encode             []string
		want               error
	}{
		"gzip":                          {"gzip", "gzip", []string{"gzip"}, nil},
		"gzip of a digest":              {fetchEncodings, "gzip", []string{"gzip"}, nil},
		"zstd":                          {fetchEncodings, "zstd", []string{"zstd"}, nil},
		"deflate":                       {fetchEncodings, "deflate", []string{"deflate"}, nil},
		"in capitals":                   {fetchEncodings, "GZIP", []string{"gzip"}, nil},
		"two":                           {fetchEncodings, "gzip, zstd", []string{"gzip", "zstd"}, nil},
		"identity":                      {fetchEncodings, "identity", nil, nil},
		"none":                          {fetchEncodings, "", nil, nil},
		"identity and gzip":             {fetchEncodings, "gzip,identity", []string{"gzip"}, nil},
		"an encoding without a request": {"gzip", "zstd", []string{"zstd"}, unsupported},
		"an unknown encoding":           {fetchEncodings, "br", nil, unsupported},
		"a nested unknown encoding":     {fetchEncodings, "br, gzip", []string{"gzip"}, unsupported},
		"too many":                      {fetchEncodings, "gzip,gzip,gzip", slices.Repeat([]string{"gzip"}, 3), unsupported},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			resp := decoded(test.accepted, test.encoding, encode(t, []byte(content), test.encode...))
			got, err := io.ReadAll(resp.Body)
			if _, ok := errors.AsType[*EncodingError](err); test.want != nil && !ok || test.want == nil && err != nil {
				t.Fatalf("got error %v, want %v", err, test.want)
			}
			if test.want == nil && string(got) != content {
				t.Errorf("got %q, want %q", got, content)
			}
			if encoded := test.encoding != "" && test.encoding != "identity"; encoded != (resp.ContentLength < 0) {
				t.Errorf("got length %d of encoded content: %t", resp.ContentLength, encoded)
			}
		})
	}
}

// A request without Accept-Encoding gets its response as it is.
func TestDecodeOnlyOnRequest(t *testing.T) {
	t.Parallel()
	resp := decoded("", "gzip", []byte("x"))
	got, err := io.ReadAll(resp.Body)
	if string(got) != "x" || err != nil || resp.ContentLength != 1 {
		t.Errorf("got %q, %v, length %d, want the body as it is", got, err, resp.ContentLength)
	}
}

func TestDecodeBrokenBodies(t *testing.T) {
	t.Parallel()
	for _, encoding := range []string{"gzip", "zstd", "deflate"} {
		whole := encode(t, []byte(strings.Repeat(content, 100)), encoding)
		for name, body := range map[string][]byte{"cut off": whole[:len(whole)/2], "garbage": []byte("<html>\xff\xff"), "empty": {}} {
			t.Run(encoding+" "+name, func(t *testing.T) {
				t.Parallel()
				if _, err := io.ReadAll(decoded(fetchEncodings, encoding, body).Body); err == nil && name != "empty" {
					t.Error("got no error")
				}
			})
		}
	}
}

// The reader of a body bounds the content. A body without any content is bounded by its own length.
func TestDecodeBoundsTheEncodedBody(t *testing.T) {
	t.Parallel()
	empty := encode(t, nil, "gzip") // gzip allows any number of members
	body := &repeated{chunk: empty}
	req := &http.Request{Header: http.Header{"Accept-Encoding": {"gzip"}}}
	resp := &http.Response{Header: http.Header{"Content-Encoding": {"gzip"}}, Body: io.NopCloser(body)}
	_, _ = io.ReadAll(decode(req, resp, unlimited(resp)))
	if body.read > 2*maxContentBytes {
		t.Errorf("read %d bytes, want about %d", body.read, maxContentBytes)
	}
}

// repeated is an endless repetition of a chunk.
type repeated struct {
	chunk []byte
	read  int
}

func (r *repeated) Read(p []byte) (int, error) {
	n := copy(p, r.chunk[r.read%len(r.chunk):])
	r.read += n
	return n, nil
}
