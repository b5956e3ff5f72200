cat <<\E
$(a)
E