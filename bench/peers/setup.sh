#!/usr/bin/env bash
# Installs every peer in a virtual environment of its own under $PEERS_HOME: about 5 minutes.
#   PEERS_HOME=/some/folder PYTHON=python3.12 bash bench/peers/setup.sh
# Needed: Python 3.12, npm, make, unzip. Versions are those that bench/peers was written for.
set -eu

home=${PEERS_HOME:?set it to an empty folder}
python=${PYTHON:-python3.12}
mkdir -p "$home/download"
cd "$home"

venv() {
    name=$1
    shift
    [ -d "v-$name" ] || "$python" -m venv "v-$name"
    "./v-$name/bin/python" -m pip install --quiet --disable-pip-version-check "$@"
}

# doit's has ninja and DuckDB's command line too, for the other tools that compare files.
venv doit 'doit==0.37.*' duckdb pyarrow ninja duckdb-cli
venv sqlmesh 'sqlmesh[duckdb]==0.236.*'
venv lea 'lea-cli==0.19.*'
venv hamilton 'apache-hamilton==1.90.*' duckdb pandas pyarrow
venv snakemake 'snakemake==9.*'
venv sqlbuild 'sqlbuild==0.183.*'

# dbt-core 1.12 requires a parser whose package only downloads a binary when it is installed, which
# fails behind a proxy. It is optional at run time, so everything but that is installed.
[ -d v-dbt ] || "$python" -m venv v-dbt
(cd download && ../v-dbt/bin/pip download --quiet --no-deps 'dbt-core==1.12.*')
unzip -p download/dbt_core-1.12.*.whl '*/METADATA' \
    | sed -n 's/^Requires-Dist: //p' | grep -v experimental > download/dbt-requirements.txt
./v-dbt/bin/pip install --quiet -r download/dbt-requirements.txt duckdb
./v-dbt/bin/pip install --quiet --no-deps download/dbt_core-1.12.*.whl 'dbt-duckdb==1.11.*'

# dbt Fusion: later versions are packages that only download; this is the newest that is the tool itself.
# Its DuckDB driver would be downloaded as well: the library in npm's package does instead.
venv fusion 'dbt==2.0.0rc196'
mkdir -p npm
(cd npm && npm init -y > /dev/null && npm install @duckdb/node-bindings-linux-x64 > /dev/null)
