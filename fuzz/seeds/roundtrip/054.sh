$(cat <<E
$(a)
E
)