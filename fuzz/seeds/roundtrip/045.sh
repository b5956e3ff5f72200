cat <<"E"; rm
$(a)
E