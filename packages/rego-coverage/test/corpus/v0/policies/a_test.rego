package v0

test_root { allow with input as {"user": "root"} }

test_level { level(6) == "high" }

test_deny {
	deny == set() with input as {"replicas": 3}
}
