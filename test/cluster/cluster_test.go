package cluster

import (
	"errors"
	"io"
	"os"
	"strings"
	"testing"
)

func TestDetach(t *testing.T) {
	t.Parallel()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	c := &Cluster{callerPipe: w}
	if err := c.detach(); err != nil {
		t.Fatal(err)
	}
	word, err := io.ReadAll(r)
	if err != nil || string(word) != string(rune(detachByte)) {
		t.Errorf("the supervisor gets %q, want %q", word, detachByte)
	}
	if err := (&Cluster{callerPipe: w}).detach(); err == nil || !strings.Contains(err.Error(), "detaching the cluster") {
		t.Errorf("without a pipe: got error %v, want an error about detaching", err)
	}
}

func TestOpenWithoutACluster(t *testing.T) {
	t.Parallel()
	for name, dir := range map[string]string{"an empty folder": t.TempDir(), "no folder": "/nowhere/at/all"} {
		if _, err := Open(dir); !errors.Is(err, ErrDown) {
			t.Errorf("%s: got error %v, want %v", name, err, ErrDown)
		}
	}
}
