`\
rm`