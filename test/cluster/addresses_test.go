package cluster

import (
	"strings"
	"testing"
)

func TestAssign(t *testing.T) {
	t.Parallel()
	p := Plan{Dir: t.TempDir()}
	if _, err := p.assign("early.example"); err == nil || !strings.Contains(err.Error(), "opening the list of addresses") {
		t.Errorf("without a folder: got error %v, want an error about opening", err)
	}
	if err := p.makeDirs(); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, want string }{
		{"registry.example", "10.90.1.1"}, {"private.example", "10.90.1.2"}, {"registry.example", "10.90.1.1"},
		{"example", "10.90.1.3"}, {"localhost", "127.0.0.1"},
	} {
		if got, err := p.assign(tt.name); err != nil || got != tt.want {
			t.Errorf("%s: got %q and error %v, want %q", tt.name, got, err, tt.want)
		}
	}
	full := strings.Repeat("10.90.1.9 x.example\n", 254*254)
	if err := writeFile(p.addressFile(), []byte(full)); err != nil {
		t.Fatal(err)
	}
	if got, err := p.assign("late.example"); err == nil {
		t.Errorf("got %q, want an error: no address is free", got)
	}
}
