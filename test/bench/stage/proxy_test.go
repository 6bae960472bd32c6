package stage

import (
	"io"
	"net"
	"testing"
	"time"
)

// TestProxyDelaysData checks that data arrives late and complete.
func TestProxyDelaysData(t *testing.T) {
	t.Parallel()
	const rtt = 20 * time.Millisecond
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		_, _ = io.Copy(conn, conn)
	}()
	proxy, err := NewProxy(listener.Addr().String(), rtt)
	if err != nil {
		t.Fatal(err)
	}
	defer proxy.Close()
	conn, err := net.Dial("tcp", proxy.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	// The first exchange includes the time of the connection.
	for _, least := range []time.Duration{2 * rtt, rtt} {
		start := time.Now()
		if _, err := io.WriteString(conn, "hello"); err != nil {
			t.Fatal(err)
		}
		text := make([]byte, 5)
		if _, err := io.ReadFull(conn, text); err != nil || string(text) != "hello" {
			t.Fatalf("got %q and the error %v, want hello", text, err)
		}
		if took := time.Since(start); took < least {
			t.Errorf("the response arrived after %v, want %v or more", took, least)
		}
	}
	proxy.Close()
	if _, err := conn.Read(make([]byte, 1)); err == nil {
		t.Error("the connection outlives the proxy")
	}
}
