package general_refs

limits.cpu.max := 4

limits.memory[size] := value if {
	some size, value in input.memory
}

users[user.name][role] := true if {
	some user in input.users
	some role in user.roles
}

deny.network contains "host" if input.hostNetwork
