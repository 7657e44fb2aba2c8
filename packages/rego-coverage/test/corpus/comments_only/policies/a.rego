package comments_only.a

x := 1
