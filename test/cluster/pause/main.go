// Command pause waits for a signal to exit. It is the only program in the images of test clusters: the sandbox
// container of every pod runs it, and the other containers too.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	end := make(chan os.Signal, 1)
	signal.Notify(end, os.Interrupt, syscall.SIGTERM)
	fmt.Println("running")
	<-end
}
