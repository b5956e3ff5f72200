case x in # c
a) # d
b # e
;; # f
esac