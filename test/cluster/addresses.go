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

// assign gives a name an address of its own, or returns the one that it has; the node's own name is that of the node. The file is locked meanwhile: both the
// keeper and the caller of Up assign.
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
	// The first and the last of each 256 are left out, since some take them for a network's own.
	const each, last = 254, 254 * 254
	number := strings.Count(string(data), "\n")
	if number >= last {
		return "", errors.New("there is no address left")
	}
	address = fmt.Sprintf(registryIPFormat, 1+number/each, 1+number%each)
	if _, err := fmt.Fprintf(file, "%s %s\n", address, name); err != nil {
		return "", fmt.Errorf("writing the list of addresses: %w", err)
	}
	return address, nil
}
