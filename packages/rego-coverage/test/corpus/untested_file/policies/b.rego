package untested.b

x := 1

y := 2 if input.y
