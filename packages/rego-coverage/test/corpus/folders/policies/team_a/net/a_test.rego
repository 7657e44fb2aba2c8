package team_a.net_test

import data.team_a.net

test_host if "no host network" in net.deny with input.hostNetwork as true
