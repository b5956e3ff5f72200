a <<E1; b <<E2
$(c)
E1
`d`
E2