# Who may open a Service to the outside.
package service

deny contains msg if {
	input.spec.type == "LoadBalancer"
	not internal
	msg := sprintf("%s: a LoadBalancer must be internal", [input.metadata.name])
}

deny contains msg if {
	input.spec.type == "NodePort"
	msg := sprintf("%s: no node ports", [input.metadata.name])
}

internal if {
	input.metadata.annotations["cloud.example/load-balancer"] == "internal"
}
