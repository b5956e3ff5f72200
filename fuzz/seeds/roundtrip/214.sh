echo $(# c
a)