package default_functions

default level(_) := "none"

level(user) := "high" if user == "root"

level(user) := "low" if {
	startswith(user, "guest")
	count(user) > 5
}
