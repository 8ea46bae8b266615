// Command clients is what users of Kubernetes write in Go: programs made with its own libraries.
package main

import (
	"fmt"
	"os"
)

func main() {
	var err error
	switch argument := append(os.Args[1:], "")[0]; argument {
	case "messages":
		err = writeMessages(os.Stdin, os.Stdout)
	case "examples":
		err = writeExamples(os.Stdin, os.Stdout)
	case "controller":
		err = runController()
	default:
		err = fmt.Errorf("%q: allowed are messages, examples and controller", argument)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "clients:", err)
		os.Exit(1)
	}
}
