package team_a.net

deny contains "no host network" if input.hostNetwork
