package a

x := 1

y := 2 if input.y

f(z) := z + 1

s contains 1 if input.s
