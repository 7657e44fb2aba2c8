package hidden.a

x := 1
