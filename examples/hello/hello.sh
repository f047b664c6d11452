#!/bin/sh
echo "Who am I:    $(id)"
echo "Where am I:  $(hostname)"
echo "The page:    $(cat /site/index.html)"
echo "Processes:"
ps | sed 's/^/    /'
echo "Mounts:"
awk '{ print "    " $2 " (" $3 ")" }' /proc/mounts | head -12
echo "Network:"
ip address | awk '$1 ~ /^inet/ { print "    " $2 }'
