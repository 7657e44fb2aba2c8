package schemas_test

import data.schemas

test_allow if schemas.allow with input.spec.replicas as 2
