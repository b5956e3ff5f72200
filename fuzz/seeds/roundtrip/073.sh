echo x
rm y
