package cluster

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
)

func (p Plan) addressFile() string { return p.path("etc", "addresses") }

// assign returns the address of a name, and gives a new name the next free address. localhost is 127.0.0.1. The file
// is locked, because init and the caller of Up both assign addresses.
func (p Plan) assign(name string) (address string, err error) {
	if name == "localhost" || net.ParseIP(name).IsLoopback() {
		return "127.0.0.1", nil
	}
	file, err := os.OpenFile(p.addressFile(), os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return "", fmt.Errorf("opening the list of addresses: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX); err != nil {
		return "", fmt.Errorf("locking the list of addresses: %w", err)
	}
	data, err := io.ReadAll(file)
	if err != nil {
		return "", fmt.Errorf("reading the list of addresses: %w", err)
	}
	if ip, ok := (nameServer{file: p.addressFile()}).lookup(name); ok {
		return ip.String(), nil
	}
	// The first and last address of each 256 are left out, because some programs treat them as network addresses.
	const each, last = 254, 254 * 254
	number := strings.Count(string(data), "\n")
	if number >= last {
		return "", errors.New("no address is free")
	}
	address = fmt.Sprintf(registryIPFormat, 1+number/each, 1+number%each)
	if _, err := fmt.Fprintf(file, "%s %s\n", address, name); err != nil {
		return "", fmt.Errorf("writing the list of addresses: %w", err)
	}
	return address, nil
}
