#!/usr/bin/env bash
# Train on one GPU: gpu_job.sh WORK OUT MINUTES [SMOKE]
#
# WORK holds what the stages `data` and `text` left there; OUT gets the finished parts as two archives, renewed every
# minute. MINUTES of wall-clock time are for everything: a sixth for the autoencoder, most of the rest for the denoiser.
# SMOKE is `smoke` for a few steps of every stage in their full shapes, which also fills the compiler's cache, or `tiny` for
# a check of the script itself on a CPU.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
work=$1 out=$2 minutes=$3 smoke=${4:-}
started=$(date +%s)
mkdir -p "$out"
export HF_HUB_OFFLINE=1 PYTHONUNBUFFERED=1
stage() { echo "== $1 $(($(date +%s) - started)) s"; python3 -m "training.image.$1" --work "$work" "${@:2}"; }
spent() { python3 -c "import json; print(json.load(open('$work/denoiser.json'))['seconds'] / 60)" 2>/dev/null || echo 0; }
left() { python3 -c "print(max(0.3, $minutes - ($(date +%s) - $started) / 60 - (${1:-0})))"; }

collect() { # half precision is the packing's business; the denoiser alone is halved here, to fit one file
    python3 - "$work" "$out" <<'PY'
import sys, tarfile
from pathlib import Path
from safetensors.torch import load_file, save_file
work, out = map(Path, sys.argv[1:])
weights = work / "unet" / "diffusion_pytorch_model.safetensors"
def pack(name, paths):
    with tarfile.open(out / f"{name}.partial", "w:gz") as archive:
        for path in paths:
            archive.add(path, path.relative_to(work))
    (out / f"{name}.partial").replace(out / f"{name}.tar.gz")
if weights.exists():
    save_file({key: value.half() for key, value in load_file(weights).items()}, work / "unet" / "half.safetensors")
    pack("unet", [work / "unet" / "half.safetensors", work / "unet" / "config.json"])
names = ("vae", "latent_rgb.json", "autoencoder.json", "autoencoder.csv", "denoiser.json", "denoiser.csv", "grids", "card")
pack("rest", [work / name for name in names if (work / name).exists()])
PY
}

shape="--batch 512 --channels 64,112,192 --layers 1,1,1 --lr 1.5e-3 --ema 0.9995 --captions 2"
case "$smoke" in
smoke)
    stage autoencoder --steps 30 --pool 512 --batch 96 --crop 96
    stage latents --count 2048 --every-noun
    stage denoiser --steps 20 $shape --grids 1 --log-every 5
    stage denoiser --steps 200 $shape --grids 1 --log-every 20 --compile --resume
    collect
    exit
    ;;
tiny)
    stage autoencoder --steps 2 --pool 32 --width 16 --batch 2
    stage latents --count 64 --every-noun
    stage denoiser --steps 2 --batch 4 --channels 16,32 --layers 0,1 --captions 2 --grids 1 --log-every 1
    collect
    exit
    ;;
esac
test -e "$work/vae/config.json" || stage autoencoder \
    --minutes "$(python3 -c "print($minutes / 6)")" --pool 16000 --batch 96 --crop 96 --lr 1.5e-3
stage latents --count 160000 --every-noun
(while sleep 60; do collect; done) &
collector=$!
stage denoiser --minutes "$(left 1.2)" $shape --grids 6 --save-seconds 50 --compile --resume ||
    # A compiler that fails, or a loss that is no number: go on from the last checkpoint, slower and more carefully.
    stage denoiser --minutes "$(left "0.6 - $(spent)")" $shape --lr 8e-4 --grids 4 --save-seconds 50 --resume
kill "$collector"
collect
echo "== done $(($(date +%s) - started)) s"
