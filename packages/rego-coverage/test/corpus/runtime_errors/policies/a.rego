package runtime_errors

f(x) := 1 if x.a

f(x) := 2 if x.b

allow if f(input) == 1

ratio := input.a / input.b
