#!/bin/sh
# Run once, when the container's data are made: backups come over the network of the containers. For data that are there already
# add the line by hand and `SELECT pg_reload_conf()`.
set -e
echo "host replication all all scram-sha-256" >> "$PGDATA/pg_hba.conf"
