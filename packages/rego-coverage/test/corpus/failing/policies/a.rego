package failing

default allow := false

allow if {
	input.user == "root"
	input.mfa
}

allow if {
	input.user == "auditor"
	input.read_only
}

deny contains "closed" if input.closed
