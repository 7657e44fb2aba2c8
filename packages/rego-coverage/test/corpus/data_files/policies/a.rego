package data_files

allow if input.user in data.people.admins

limit := data.limits[input.tier]

deny contains sprintf("%s is over its limit", [input.user]) if input.use > limit
