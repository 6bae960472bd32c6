package truth

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
)

// pack returns the program as layers in the three formats that runtimes unpack. The keys are the words for them in
// the text of a blob; PROGRAM is gzipped. DIGEST(PROGRAM.tar) is the diff ID of all three. The layers differ for each
// scenario, because a node unpacks the same content only once, under any name.
func pack(program []byte, scenario string) (map[string][]byte, error) {
	plain, err := archive([]file{{"program", program}, {"scenario", []byte(scenario)}})
	if err != nil {
		return nil, fmt.Errorf("packing the program: %w", err)
	}
	packed := map[string][]byte{"PROGRAM.tar": plain}
	for name, compress := range map[string]func(io.Writer) (io.WriteCloser, error){
		"PROGRAM":     func(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriter(w), nil },
		"PROGRAM.zst": func(w io.Writer) (io.WriteCloser, error) { return zstd.NewWriter(w) },
	} {
		var out bytes.Buffer
		w, err := compress(&out)
		if err != nil {
			return nil, fmt.Errorf("compressing the program: %w", err)
		}
		if _, err := w.Write(plain); err != nil {
			return nil, fmt.Errorf("compressing the program: %w", err)
		}
		if err := w.Close(); err != nil {
			return nil, fmt.Errorf("compressing the program: %w", err)
		}
		packed[name] = out.Bytes()
	}
	return packed, nil
}

type file struct {
	name string
	data []byte
}

func archive(files []file) ([]byte, error) {
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, f := range files {
		if err := w.WriteHeader(&tar.Header{Name: f.name, Mode: 0o755, Size: int64(len(f.data))}); err != nil {
			return nil, err
		}
		if _, err := w.Write(f.data); err != nil {
			return nil, err
		}
	}
	return out.Bytes(), w.Close()
}

func digestOf(body []byte) pushed {
	return pushed{fmt.Sprintf("sha256:%x", sha256.Sum256(body)), body}
}
