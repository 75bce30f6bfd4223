#!/usr/bin/env bash
# Arrange, train, pack and evaluate the music model on one CUDA device, the sizes at once.
# Usage: gpu_job.sh DATA OUT [MINUTES]      DATA holds tunes.jsonl and scores.jsonl; OUT/SIZE gets weights, curves and numbers.
# Needs torch, transformers, safetensors, numpy, pillow and msgspec. The same command goes on from the last checkpoints.
# It runs on a CPU too (for a test: SIZES=tiny STEPS=2 ROWS=1 CONTEXT=256 ARRANGEMENTS=1 RIFFS=40 PIECES=1 SEEDS=1 LOADERS=0).
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
data="$(realpath "$1")"
mkdir -p "$2"
out="$(realpath "$2")"
minutes="${3:-8.5}"
cd "$here/../.."
export PYTHONPATH="$PWD:$PWD/../proto${PYTHONPATH:+:$PYTHONPATH}" TOKENIZERS_PARALLELISM=false OMP_NUM_THREADS=1
python="${PYTHON:-python3}"
compile=()
if "$python" -c 'import sys, torch; sys.exit(not torch.cuda.is_available())'; then compile=(--compile); fi

if [ ! -f "$data/tokens.npz" ]; then
  "$python" -m training.music.build_tokens --data "$data" --arrangements "${ARRANGEMENTS:-6}" --riffs "${RIFFS:-5000}" \
    --workers "${WORKERS:-8}"
fi

make_size() {
  local size="$1"
  "$python" -m training.music.train --data "$data" --out "$out/$size" --size "$size" --minutes "$minutes" --threads 1 \
    --steps "${STEPS:-0}" --rows "${ROWS:-48}" --context "${CONTEXT:-1024}" --loaders "${LOADERS:-3}" --fresh 4 \
    --save-every 60 "${compile[@]}"
  "$python" -m training.music.pack --run "$out/$size" --out "$out/$size/weights"
  "$python" -m training.music.evaluate --data "$data" --weights "$out/$size/weights" --json "$out/$size/evaluation.json" \
    --rolls "$out/$size" --pieces "${PIECES:-40}" --seeds "${SEEDS:-6}" --workers 3
}

running=()
for size in ${SIZES:-medium small}; do
  make_size "$size" > "$out/$size.log" 2>&1 &
  running+=($!)
done
for process in "${running[@]}"; do wait "$process"; done
