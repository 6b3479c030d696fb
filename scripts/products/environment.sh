# Sourced by benchmark_products and check_peers: run_beside_peers MODULE ARGUMENTS... goes on as
# that module of scripts/products, in an environment with this package, JAX and PyTorch.

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
. "$root/scripts/environment.sh"

run_beside_peers() {
    local environment="$root/.venv-peers"
    (cd "$root" && make_environment .venv-peers --editable . jax==0.10.2 torch==2.13.0)
    export PYTHONPATH="$root/scripts"
    export RESERVOIR_CACHE_DIR="${RESERVOIR_CACHE_DIR:-$environment/kernels}"
    exec "$environment/bin/python" -P -m "$@"
}
