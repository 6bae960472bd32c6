package egress

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"
)

const (
	// maxContentBytes bounds a body and its content, each. Its sender may be an attacker. Readers bound what they take of the
	// content, but a body may be long without any content. It exceeds the largest manifest of any runtime.
	maxContentBytes = 5 << 20
	// maxWindowBytes bounds the window that a sender of zstd may state, and the content that is decoded in one step. It is the least
	// window that every decoder supports (RFC 8878).
	maxWindowBytes = 8 << 20
	// maxEncodings bounds the encodings of one body. Servers apply one.
	maxEncodings = 2
)

// ErrTooLong is the error of a body whose content is longer than any that is read.
var ErrTooLong = errors.New("content is too long")

// EncodingError is the error of a body whose Content-Encoding the request does not accept.
type EncodingError struct{}

func (*EncodingError) Error() string { return "content encoding is not supported" }

// decode returns the content of a response's body, which takes the place before it is long. Nodes decode it too: their requests
// accept gzip, and those for content by its digest also zstd and deflate (net/http: transport.go, persistConn.readLoop; containerd:
// core/remotes/docker/fetcher.go, open). The length of the content is unknown then.
func decode(req *http.Request, resp *http.Response, p *place) io.Reader {
	encodings := strings.FieldsFunc(resp.Header.Get("Content-Encoding"), isSeparator)
	encodings = slices.DeleteFunc(encodings, func(name string) bool { return strings.EqualFold(name, "identity") })
	accepted := req.Header.Get("Accept-Encoding")
	if len(encodings) == 0 || accepted == "" {
		return newReader(resp.Body, p)
	}
	if len(encodings) > maxEncodings {
		encodings = []string{"too many"}
	}
	content := io.LimitReader(resp.Body, maxContentBytes)
	for _, name := range slices.Backward(encodings) {
		name = strings.ToLower(name)
		if !strings.Contains(accepted, name) {
			name = "" // a node would take the encoded bytes for the content
		}
		content = &decoder{encoding: name, encoded: newReader(content, p), place: p}
	}
	resp.ContentLength = -1
	resp.Header.Del("Content-Encoding")
	return newReader(content, p)
}

func isSeparator(r rune) bool { return r == ' ' || r == '\t' || r == ',' }

// decoder decodes one encoding. It starts with the first Read, so that the header of the encoding is read then.
type decoder struct {
	encoding string
	encoded  io.Reader
	place    *place
	content  io.Reader
}

// Read implements io.Reader.
func (d *decoder) Read(p []byte) (int, error) {
	if d.content == nil {
		content, err := d.open()
		if err != nil {
			return 0, err
		}
		d.content = content
	}
	return d.content.Read(p)
}

func (d *decoder) open() (io.Reader, error) {
	switch d.encoding {
	case "gzip":
		return gzip.NewReader(d.encoded)
	case "deflate":
		return flate.NewReader(d.encoded), nil
	case "zstd":
		return d.openZstd()
	}
	return nil, &EncodingError{}
}

// openZstd decodes the whole body in one step. A decoder of a stream would allocate the window that the sender states, up to 12 MiB even
// for a short content. It needs no place for a short content.
func (d *decoder) openZstd() (io.Reader, error) {
	encoded, err := io.ReadAll(d.encoded)
	if err != nil {
		return nil, err
	}
	if content, err := decodeZstd(encoded, make([]byte, 0, freeBytes), zstd.WithDecodeAllCapLimit(true)); err == nil {
		return bytes.NewReader(content), nil
	}
	if err := d.place.take(); err != nil {
		return nil, err
	}
	content, err := decodeZstd(encoded, nil)
	if errors.Is(err, zstd.ErrDecoderSizeExceeded) {
		err = ErrTooLong
	}
	return bytes.NewReader(content), err
}

// decodeZstd appends the content of a body to a buffer. The body may have any number of frames.
func decodeZstd(encoded, buffer []byte, limits ...zstd.DOption) ([]byte, error) {
	z, err := zstd.NewReader(nil, append(limits, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxMemory(maxWindowBytes))...)
	if err != nil {
		return nil, err
	}
	defer z.Close()
	return z.DecodeAll(encoded, buffer)
}
