#!/bin/sh
# Makes the node's database when there is none, and runs it: the first node is
# the primary, the others begin with a copy of it and follow it.
set -eu
bin=$(echo /usr/lib/postgresql/*/bin)
data=/data/postgres
primary=${PEERS%%,*}
as_postgres() { setpriv --reuid=postgres --regid=postgres --clear-groups "$@"; }

# A database appears under its name only once it is whole.
if [ ! -e "$data" ]; then
	rm -rf "$data.new"
	mkdir -p "$data.new"
	chown postgres:postgres "$data.new" /data
	chmod 700 "$data.new"
	if [ "${INDEX:-1}" = 1 ]; then
		as_postgres "$bin/initdb" -D "$data.new" -U postgres --auth=trust --no-locale --encoding=UTF8
		printf 'host all all all trust\nhost replication all all trust\n' >>"$data.new/pg_hba.conf"
	else
		until as_postgres "$bin/pg_basebackup" -h "$primary" -U postgres -D "$data.new" -X stream -c fast -R; do
			sleep 0.3
		done
	fi
	mv "$data.new" "$data"
	sync
fi
exec setpriv --reuid=postgres --regid=postgres --clear-groups "$bin/postgres" -D "$data" \
	-c listen_addresses='*' -c unix_socket_directories=/tmp \
	-c shared_buffers=64MB -c max_connections=200 -c max_wal_senders=20 -c wal_keep_size=256MB -c jit=off "$@"
