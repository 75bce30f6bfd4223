#!/usr/bin/env bash
# The wide model on one GPU. `bundle WORK TAR` packs what travels; `train WORK OUT MINUTES [SMALL]` runs every stage there.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

case "$1" in
bundle)
    tar cf "$3" --exclude=__pycache__ training/image -C "$(dirname "$2")" --transform "s#^$(basename "$2")#work#" \
        "$(basename "$2")/pictures.npz" "$(basename "$2")/pictures.json" "$(basename "$2")/text.json" \
        "$(basename "$2")/tokenizer" "$(basename "$2")/text_encoder"
    size=$(stat -c %s "$3")
    echo "$3: $size bytes"
    test "$size" -le $((64 * 1024 * 1024))
    ;;
train)
    work=$2 out=$3 minutes=$4 small=${5:-}
    export HF_HUB_OFFLINE=1 CUBLAS_WORKSPACE_CONFIG=:4096:8
    stage() { python3 -m "training.image.$1" --work "$work" "${@:2}"; }
    if [ -n "$small" ]; then # a check of the script itself: a few steps of everything, on whatever device there is
        stage autoencoder --steps 3 --pool 32 --width 16
        stage latents --count 96 --every-noun
        stage denoiser --steps 3 --channels 16,32,32 --attention --grids 1
        stage judge --pool 64
        stage evaluate --per-noun 1 --repeats 1 --limit 4
    else
        stage autoencoder --minutes 4 --batch 96 --crop 96 --width 64 --lr 1.5e-3 --pool 40000
        stage latents --count 120000 --every-noun
        stage denoiser --minutes "$minutes" --batch 512 --channels 64,128,192 --attention --lr 1.2e-3 --ema 0.9995 \
            --compile --resume
        stage judge --pool 20000
        stage evaluate --per-noun 1
    fi
    stage pack --out "$out"
    ;;
*)
    echo "usage: gpu_job.sh bundle WORK TAR | train WORK OUT MINUTES [SMALL]" >&2
    exit 2
    ;;
esac
