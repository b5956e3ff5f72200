a &\
& b