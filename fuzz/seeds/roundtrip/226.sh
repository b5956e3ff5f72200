a;# b
c