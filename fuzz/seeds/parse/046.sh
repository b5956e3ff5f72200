cat <<E | sh
rm
E