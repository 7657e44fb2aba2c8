// Answers with Istio's own choice of protocol: one port a line in, one protocol a line out, both JSON.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"

	corev1 "k8s.io/api/core/v1"

	"istio.io/istio/pkg/config/kube"
)

func main() {
	answers := bufio.NewWriter(os.Stdout)
	defer answers.Flush()
	questions := json.NewDecoder(bufio.NewReader(os.Stdin))
	for questions.More() {
		var port corev1.ServicePort
		if err := questions.Decode(&port); err != nil {
			answers.Flush()
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
		protocol := kube.ConvertProtocol(port.Port, port.Name, port.Protocol, port.AppProtocol)
		fmt.Fprintln(answers, string(protocol))
	}
}
