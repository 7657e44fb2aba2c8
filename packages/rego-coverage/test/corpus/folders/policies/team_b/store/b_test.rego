package team_b.store_test

import data.team_b.store

test_private if count(store.deny) == 0 with input as {"name": "a", "public": false}
