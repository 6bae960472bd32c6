package registry

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"

	"github.com/klauspost/compress/zstd"
)

// answerEncoded writes the response with an encoded body.
func (f *Fault) answerEncoded(w http.ResponseWriter, r *http.Request, next http.Handler) {
	recorded := httptest.NewRecorder()
	f.answer(recorded, r, next)
	body, err := encode(f.Encode, recorded.Body.Bytes())
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	for name, values := range recorded.Header() {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Encoding", f.Encode)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(recorded.Code)
	// A write error means that the client is gone, so it is ignored.
	_, _ = w.Write(body)
}

// encode encodes a body. Like containerd, it takes "deflate" for the format without the header of zlib.
func encode(coding string, body []byte) ([]byte, error) {
	var (
		out bytes.Buffer
		w   io.WriteCloser
		err error
	)
	switch coding {
	case "gzip":
		w = gzip.NewWriter(&out)
	case "zstd":
		w, err = zstd.NewWriter(&out)
	case "deflate":
		w, err = flate.NewWriter(&out, flate.DefaultCompression)
	default:
		err = fmt.Errorf("unknown content coding %q", coding)
	}
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(body); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
