#!/usr/bin/env bash
# Train, pack and evaluate the large music model on one CUDA device, from a token file that is there already.
# Usage: gpu_job.sh DATA OUT [MINUTES]      DATA holds tokens.npz, tunes.jsonl and scores.jsonl; OUT gets the results.
# Needs torch, transformers, safetensors, numpy and pillow. It runs on a CPU too (for a test: SIZE=tiny STEPS=2).
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
data="$(realpath "$1")"
mkdir -p "$2"
out="$(realpath "$2")"
minutes="${3:-8}"
cd "$here/../.."
export PYTHONPATH="$PWD:$PWD/../proto" TOKENIZERS_PARALLELISM=false
python="${PYTHON:-python3}"
compile=()
if "$python" -c 'import sys, torch; sys.exit(not torch.cuda.is_available())'; then compile=(--compile --loaders 6); fi

"$python" -m training.music.train --data "$data" --out "$out/run" --minutes "$minutes" --size "${SIZE:-large}" \
  --steps "${STEPS:-0}" --rows "${ROWS:-48}" --context "${CONTEXT:-1024}" --save-every 60 "${compile[@]}"
"$python" -m training.music.pack --run "$out/run" --out "$out/weights"
"$python" -m training.music.evaluate --data "$data" --weights "$out/weights" --json "$out/evaluation.json" \
  --rolls "$out" --pieces "${PIECES:-40}" --seeds "${SEEDS:-6}"
rm "$out/run/checkpoint.pt"
