package long_lines

allow if { input.a; input.b; not input.c; input.d == {"x": [1, 2, 3], "y": {"z": "a very long string that goes on and on so that the row has many columns"}} }

one if { input.one } else := 2 if { input.two } else := 3 if { input.three }
