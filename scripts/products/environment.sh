# Sourced by benchmark_products and check_peers: make_peers makes an environment with this package,
# JAX and PyTorch; run_beside_peers MODULE ARGUMENTS... goes on as that module of scripts/products.

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
. "$root/scripts/environment.sh"
peers="$root/.venv-peers"

make_peers() {
    (cd "$root" && make_environment .venv-peers --editable . jax==0.10.2 torch==2.13.0 hypothesis pytest)
    export PYTHONPATH="$root/scripts"
    export RESERVOIR_CACHE_DIR="${RESERVOIR_CACHE_DIR:-$peers/kernels}"
}

run_beside_peers() {
    make_peers
    exec "$peers/bin/python" -P -m "$@"
}
