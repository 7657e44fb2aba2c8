package mocks

now := time.now_ns()

fresh if {
	now - input.created < limit
	lookup(input.user) == "active"
}

limit := data.settings.limit

lookup(user) := status if {
	response := http.send({"method": "get", "url": sprintf("https://users.example/%s", [user])})
	status := response.body.status
}
