package data_files_test

import data.data_files

test_root if data_files.allow with input.user as "root"

test_limit if data_files.limit == 10 with input.tier as "paid"

test_deny_nobody if count(data_files.deny) == 0 with input as {"user": "a", "tier": "free", "use": 1}
