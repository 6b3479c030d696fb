# Sourced by benchmark_esn and check_reservoirpy: run_beside_peers MODULE ARGUMENTS... goes on as
# that module of scripts/benchmark, in an environment with this package and the peers.

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
. "$root/scripts/environment.sh"

run_beside_peers() {
    local environment="$root/.venv-benchmark"
    (cd "$root" && make_environment .venv-benchmark --editable . reservoirpy==0.4.2 rclib==0.2.0)
    export PYTHONPATH="$root/scripts"
    export RESERVOIR_CACHE_DIR="${RESERVOIR_CACHE_DIR:-$environment/kernels}"
    exec "$environment/bin/python" -P -m "$@"
}
