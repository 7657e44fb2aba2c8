package quotas

over contains tenant if {
	some tenant
	quota := data.tenants[tenant].quota
	input.use > quota
}

unlimited contains tenant if {
	some tenant, _ in data.tenants
	not data.tenants[tenant].quota
}
