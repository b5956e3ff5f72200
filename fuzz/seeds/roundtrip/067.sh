wh\
ile a; d\
o b; do\
ne