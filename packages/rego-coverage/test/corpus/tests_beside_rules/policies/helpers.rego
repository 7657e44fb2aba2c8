package tests_beside_rules.helpers

ready if input.ready

not_a_test_ if input.x
