package raw_strings_test

import data.raw_strings

test_named if raw_strings.named with input.name as "abc"

test_pattern if contains(raw_strings.pattern, "test_not_a_rule")
