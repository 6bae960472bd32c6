package cluster

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
)

func (p Plan) addressFile() string { return p.path("etc", "addresses") }

// assign gives a name an address of its own, or returns the one that it has. The file is locked meanwhile: both the
// keeper and the caller of Up assign.
func (p Plan) assign(name string) (address string, err error) {
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
	const first, last = 1, 254
	number := first + strings.Count(string(data), "\n")
	if number > last {
		return "", errors.New("there is no address left")
	}
	address = fmt.Sprintf(registryIPFormat, number)
	if _, err := fmt.Fprintf(file, "%s %s\n", address, name); err != nil {
		return "", fmt.Errorf("writing the list of addresses: %w", err)
	}
	return address, nil
}
