#!/bin/sh
# Runs a node: the first one is the primary, the others follow it.
set -eu
[ "${INDEX:-1}" = 1 ] || set -- --replicaof "${PEERS%%,*}" 6379 "$@"
exec redis-server --bind 0.0.0.0 --protected-mode no --dir /data \
	--save "" --appendonly yes --appendfsync everysec "$@"
