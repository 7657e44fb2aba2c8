// The peer of kube-leader: waits with operator-lib's leader for life, then becomes the command.
// Like the original kube-leader, which was built on an earlier copy of this function.
package main

import (
	"context"
	"log"
	"os"
	"os/exec"
	"syscall"

	"github.com/operator-framework/operator-lib/leader"
)

func main() {
	lock, command := os.Args[1], os.Args[2]
	if err := leader.Become(context.Background(), lock); err != nil {
		log.Fatal(err)
	}
	path, err := exec.LookPath(command)
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(syscall.Exec(path, os.Args[2:], os.Environ()))
}
