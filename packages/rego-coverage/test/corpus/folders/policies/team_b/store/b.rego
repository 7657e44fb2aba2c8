package team_b.store

import data.lib.names

deny contains sprintf("%s is public", [names.full(input)]) if input.public

deny contains "unnamed" if not input.name
