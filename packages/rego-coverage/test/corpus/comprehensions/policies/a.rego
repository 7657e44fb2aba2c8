package comprehensions

names := [name | name := input.users[_].name]

big := {x |
	some x in input.numbers
	x > 10
}

by_name := {user.name: user |
	some user in input.users
	user.active
	not user.hidden
}

nested := [[y | y := x[_]; y > 1] | x := input.lists[_]]
