"""The two subjects of `antiphon bench image`: a worker with the image engine alone, and the stock pipeline.

`python -m antiphon_server.bench.image_subjects THREADS` is the stock one: it reads requests, one JSON object a line,
paints them one after another through the pipeline's own `__call__`, and answers with the seconds that it took.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from antiphon_engines.api import Engines, EngineUnavailable
from antiphon_engines.config import WorkerConfig
from antiphon_engines.image import spec


def engines(config: WorkerConfig) -> Engines:
    """For a worker: pictures only, and ready when it says so. Raises EngineUnavailable."""
    engine = spec.build(config)
    if engine is None:
        raise EngineUnavailable("the bench needs an image model")
    return Engines((engine,))


def main(threads: int) -> None:
    import torch

    from antiphon_engines.image import embedded

    torch.set_num_threads(threads)
    pipeline: Any = embedded.load_pipeline()
    pipeline.set_progress_bar_config(disable=True)
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        began = time.perf_counter()
        for seed, prompt in enumerate(request["prompts"]):
            pipeline(
                prompt,
                num_inference_steps=request["steps"],
                guidance_scale=request["guidance"],
                generator=torch.Generator().manual_seed(seed),
            )
        print(json.dumps({"seconds": time.perf_counter() - began}), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
