package template_strings

greeting := $"hello {input.name}, you are {input.age + 1}"

unused := $`raw {input.x}` if {
	input.x
}
