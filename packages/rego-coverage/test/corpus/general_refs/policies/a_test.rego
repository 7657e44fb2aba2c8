package general_refs_test

import data.general_refs

test_cpu if general_refs.limits.cpu.max == 4

test_users if general_refs.users.a.reader with input.users as [{"name": "a", "roles": ["reader"]}]
