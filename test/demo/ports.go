package main

import (
	"fmt"
	"net"
)

// freePorts returns that many ports that were free a moment ago.
func freePorts(n int) ([]int, error) {
	var ports []int
	for range n {
		// All are held until the last is found, so that no two are the same.
		listener, err := net.ListenTCP("tcp", &net.TCPAddr{})
		if err != nil {
			return nil, fmt.Errorf("listening: %w", err)
		}
		defer listener.Close()
		ports = append(ports, listener.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}
