package untested.a

x := 1
