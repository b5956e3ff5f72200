cat <<E$x
$(a)
E$x