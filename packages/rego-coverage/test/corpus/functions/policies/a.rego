package functions

trim_all(xs) := [trim_space(x) | some x in xs]

classify(x) := "small" if x < 10

classify(x) := "large" if x >= 10

classify_pair(x, y) := [
	classify(x),
	classify(y),
]

is_root("root")

is_root(x) if x == "admin"

unused(x, y) := z if {
	a := x + y
	z := a * 2
}
