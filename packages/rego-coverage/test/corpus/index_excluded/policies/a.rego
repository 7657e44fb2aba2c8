package index_excluded

deny contains "load balancer" if {
	input.type == "LoadBalancer"
	not input.internal
}

deny contains "node port" if {
	input.type == "NodePort"
	input.port > 30000
}

deny contains "external name" if input.type == "ExternalName"
