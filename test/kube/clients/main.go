// Command clients is what a user's own programs are: clients of Kubernetes, made with its own libraries.
package main

import (
	"fmt"
	"os"
	_ "sigs.k8s.io/controller-runtime"
)

func main() {
	var err error
	switch {
	case len(os.Args) == 2 && os.Args[1] == "messages":
		err = writeMessages(os.Stdin, os.Stdout)
	default:
		err = fmt.Errorf("usage: clients messages")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "clients:", err)
		os.Exit(1)
	}
}
