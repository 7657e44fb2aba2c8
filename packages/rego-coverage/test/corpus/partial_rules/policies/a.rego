package partial_rules

sites contains site.name if some site in input.sites

ports[site.name] := site.port if {
	some site in input.sites
	site.port > 0
}

violation contains {"msg": msg, "details": {"site": name}} if {
	some name, port in ports
	port < 1024
	msg := sprintf("%s uses port %d", [name, port])
}
