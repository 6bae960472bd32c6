package process

import (
	"strings"
	"sync"
	"testing"
)

func TestBufferKeepsAllOutput(t *testing.T) {
	t.Parallel()
	var b Buffer
	var writers sync.WaitGroup
	for range 10 {
		writers.Go(func() {
			if n, err := b.Write([]byte("line\n")); n != 5 || err != nil {
				t.Errorf("Write: got %d, %v, want 5 bytes", n, err)
			}
		})
	}
	writers.Wait()
	if got := strings.Count(b.String(), "line\n"); got != 10 {
		t.Errorf("got %d lines, want 10", got)
	}
}
