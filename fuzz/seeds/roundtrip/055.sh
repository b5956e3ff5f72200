if a <<E
$(b)
E
then c; fi