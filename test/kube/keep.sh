#!/bin/bash
# keep.sh FOLDER LOG PROGRAM ARGUMENT...
# Runs a program, and starts it again a second after its end, as a service manager does. FOLDER gets PROGRAM.pid. While
# somebody has made the file PROGRAM.held there, the program is not started.
folder=$1 log=$2
shift 2
while :; do
  "$@" </dev/null >>"$log" 2>&1 &
  echo $! >"$folder/$1.pid"
  wait
  sleep 1
  while [ -e "$folder/$1.held" ]; do sleep 0.1; done
done
