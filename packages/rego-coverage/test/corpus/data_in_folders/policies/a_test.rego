package quotas_test

import data.quotas

test_over if quotas.over == {"a"} with input.use as 6
