package early_exit_test

import data.early_exit

test_admin if early_exit.allow with input as {"roles": ["admin", "owner"], "break_glass": true}
