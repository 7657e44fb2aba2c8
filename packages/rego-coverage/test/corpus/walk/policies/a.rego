package walks

secrets contains path if {
	walk(input, [path, value])
	is_string(value)
	startswith(value, "secret:")
}

depth := max({count(path) | walk(input, [path, _])})

graph_reach := graph.reachable(input.graph, {"a"}) if input.graph
