package else_chains_test

import data.else_chains

test_high if else_chains.level == "high" with input.score as 91

test_low if else_chains.level == "low" with input.score as 11

test_sign if else_chains.sign(2) == 1
