cat <<E
x
E x
$(a)
E