package process

import (
	"fmt"
	"net"
)

// FreePorts returns n different TCP ports on which no program listened a moment ago.
func FreePorts(n int) ([]int, error) {
	var ports []int
	for range n {
		listener, err := net.ListenTCP("tcp", &net.TCPAddr{})
		if err != nil {
			return nil, fmt.Errorf("listening: %w", err)
		}
		defer listener.Close() // after the loop, so that no two ports are the same
		ports = append(ports, listener.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}
