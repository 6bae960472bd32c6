// Command pause waits until it is told to end. It is the only program in the images of test clusters: the first
// container of every pod, and the containers that are to run.
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
