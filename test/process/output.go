package process

import (
	"os"
	"sync"
)

// tailBytes is the part of an output that is kept: some tens of lines, enough to see why a program failed.
const tailBytes = 4 << 10

// Output returns the end of the output so far. It is empty if the file of Options.Output cannot be read.
func (p *Process) Output() string {
	if p.file == "" {
		return p.tail.String()
	}
	file, err := os.Open(p.file)
	if err != nil {
		return ""
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return ""
	}
	text := make([]byte, min(info.Size(), tailBytes))
	n, _ := file.ReadAt(text, info.Size()-int64(len(text)))
	return string(text[:n])
}

// Tail is an io.Writer that keeps the end of what is written to it. The zero value is empty and usable. It is safe for
// concurrent use.
type Tail struct {
	mu   sync.Mutex
	data []byte
}

// Write implements io.Writer.
func (t *Tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.data = append(t.data, p...)
	if excess := len(t.data) - tailBytes; excess > 0 {
		t.data = append(t.data[:0], t.data[excess:]...)
	}
	return len(p), nil
}

// String returns the bytes that are kept.
func (t *Tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.data)
}
