package raw_strings

pattern := `^[a-z]+
test_not_a_rule if {
$`

named if regex.match(`^\w+$`, input.name)

message := `a
b` if {
	input.x
}

brace := "{" if input.brace
