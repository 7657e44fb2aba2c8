package unicode

greetings["日本"] := "🙂" if { input.name == "🙂🙂"; input.y == "ä" }

emoji contains x if { some x in ["👩‍👩‍👧", "é"]; x == input.e }

last := "z" if { startswith("🙂🙂🙂", input.p); input.q }
