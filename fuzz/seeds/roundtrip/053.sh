cat <<E
$(cat <<F
$(a)
F
)
E