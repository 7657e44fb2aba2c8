package some_declarations

pairs contains [i, j] if {
	some i, j
	input.matrix[i][j] == 1
}

named contains name if {
	some name
	input.users[name].active
	some role in input.users[name].roles
	role == "admin"
}

in_operator if {
	input.x in {1, 2}
	"k", input.v in {"k": 3}
}
