package no_tests

allow if input.ok
