"""How fast a text model writes here: `python -m antiphon_engines.probe CACHE NAME THREADS`.

A process of its own: a model that is too large for the machine takes nobody with it. It prints
`{"tokens_per_second": 12.3}`, or `{"error": "..."}` and exits with 1.
"""

from __future__ import annotations

import json
import sys
import time

from antiphon_engines.api import Done, EngineUnavailable, Failed, TextRequest, Token
from antiphon_engines.config import WorkerConfig, checked
from antiphon_engines.text import spec as text_spec
from antiphon_proto.params import TextParams

_TOKENS = 24
_SECONDS = 15.0
"""Of writing, at most: who makes so few tokens in that time is too slow in any case."""
_STORY = "The last ferry had already left when Marta reached the pier. She sat down on the steps and"


def measure(config: WorkerConfig, tokens: int = _TOKENS) -> float:
    """Tokens per second of one text, after its first token. Raises EngineUnavailable."""
    engine = text_spec.build(config)
    try:
        params = TextParams(max_tokens=tokens, temperature=0.0, seed=1, alternatives=0)
        job = engine.admit(TextRequest(task="continue", before=_STORY, params=params))
        came: list[float] = []
        while True:
            for output in engine.step([job])[0]:
                match output:
                    case Token():
                        came.append(time.perf_counter())
                    case Failed(message=message):
                        raise EngineUnavailable(message)
                    case Done():
                        engine.release(job)
                        if len(came) < 2:
                            raise EngineUnavailable("the model writes too little to be measured")
                        return (len(came) - 1) / (came[-1] - came[0])
            if came and time.perf_counter() - came[0] > _SECONDS:
                engine.release(job)
                return max(1, len(came) - 1) / (time.perf_counter() - came[0])
    finally:
        engine.close()


def main() -> int:
    """Measure the model; returns the exit status."""
    cache_dir, name, threads = sys.argv[1:]
    try:
        config = WorkerConfig(
            cache_dir=cache_dir, text_model=name, threads=int(threads), context=512, max_jobs=1, max_batch=1
        )
        print(json.dumps({"tokens_per_second": measure(checked(config))}), flush=True)
    except EngineUnavailable as error:
        print(json.dumps({"error": error.message}), flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
