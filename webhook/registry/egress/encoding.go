package egress

import (
	"compress/flate"
	"compress/gzip"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"
)

const (
	// maxEncodedBytes bounds the compressed body of a response. Its sender may be an attacker. Readers bound what they take of
	// the content, but a body may be long without any content. It exceeds the largest manifest of any runtime.
	maxEncodedBytes = 8 << 20
	// maxWindowBytes bounds the memory of a decoder. It is the least window that every decoder supports (RFC 8878).
	maxWindowBytes = 8 << 20
	// maxEncodings bounds the decoders of one body. Servers apply one encoding.
	maxEncodings = 4
)

// EncodingError is the error of a body whose Content-Encoding the request does not accept.
type EncodingError struct{}

func (*EncodingError) Error() string { return "content encoding is not supported" }

// decode replaces the body of a response by its content. Nodes do so: their requests accept gzip, and those for content by its
// digest also zstd and deflate (net/http: transport.go, persistConn.readLoop; containerd: core/remotes/docker/fetcher.go, open).
// The length of the content is unknown then.
func decode(req *http.Request, resp *http.Response) {
	encodings := strings.FieldsFunc(resp.Header.Get("Content-Encoding"), isSeparator)
	encodings = slices.DeleteFunc(encodings, func(name string) bool { return strings.EqualFold(name, "identity") })
	accepted := req.Header.Get("Accept-Encoding")
	if len(encodings) == 0 || accepted == "" {
		return
	}
	if len(encodings) > maxEncodings {
		encodings = []string{"too many"}
	}
	body := resp.Body
	content := io.LimitReader(body, maxEncodedBytes)
	for _, name := range slices.Backward(encodings) {
		name = strings.ToLower(name)
		if !strings.Contains(accepted, name) {
			name = "" // a node would take the encoded bytes for the content
		}
		content = &decoder{encoding: name, encoded: content}
	}
	resp.Body = &decodedBody{content, body}
	resp.ContentLength = -1
	resp.Header.Del("Content-Encoding")
}

func isSeparator(r rune) bool { return r == ' ' || r == '\t' || r == ',' }

// decoder decodes one encoding. It starts with the first Read, so that the header of the encoding is read then.
type decoder struct {
	encoding string
	encoded  io.Reader
	content  io.Reader
}

// Read implements io.Reader.
func (d *decoder) Read(p []byte) (int, error) {
	if d.content == nil {
		content, err := newDecoder(d.encoding, d.encoded)
		if err != nil {
			return 0, err
		}
		d.content = content
	}
	return d.content.Read(p)
}

func newDecoder(encoding string, encoded io.Reader) (io.Reader, error) {
	switch encoding {
	case "gzip":
		return gzip.NewReader(encoded)
	case "deflate":
		return flate.NewReader(encoded), nil
	case "zstd":
		// With a concurrency of one the decoder starts no goroutine, so that it needs no Close.
		return zstd.NewReader(encoded,
			zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindowBytes))
	}
	return nil, &EncodingError{}
}

// decodedBody is the content of a body.
type decodedBody struct {
	io.Reader
	io.Closer
}
