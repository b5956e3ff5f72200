[[ -e a && -d b
]]