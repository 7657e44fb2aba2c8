package v0

default allow = false

allow {
	input.user == "root"
}

allow {
	input.groups[_] == "admin"
	not input.blocked
}

deny[msg] {
	input.replicas < 2
	msg := "too few replicas"
}

level(x) = "high" { x > 5 }

level(x) = "low" { x <= 5 }
