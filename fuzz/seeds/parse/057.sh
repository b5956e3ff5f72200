cat <<"A B"
$(a)
A B
b