package service_test

import data.service

load_balancer(annotations) := {
	"metadata": {"name": "web", "annotations": annotations},
	"spec": {"type": "LoadBalancer"},
}

test_public_load_balancer_denied if {
	"web: a LoadBalancer must be internal" in service.deny with input as load_balancer({})
}

test_internal_load_balancer_allowed if {
	count(service.deny) == 0 with input as load_balancer({"cloud.example/load-balancer": "internal"})
}
