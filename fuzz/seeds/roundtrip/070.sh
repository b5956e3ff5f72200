a <\
<E
$(b)
E