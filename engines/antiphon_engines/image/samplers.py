"""Denoising schedules: diffusers' own scheduler classes, one instance per job, so that jobs at different timesteps
share a denoiser call.

Timesteps and sigmas stay on the CPU: a schedule is looked up by index, and nothing waits for the device.
"""

from __future__ import annotations

import copy
from typing import Any, Final, NamedTuple

import torch

from antiphon_engines.api import InvalidRequest
from antiphon_proto.params import Sampler as SamplerName

_CLASSES: Final[dict[SamplerName, str]] = {
    "euler": "EulerDiscreteScheduler",
    "ddim": "DDIMScheduler",
    "dpmpp_2m": "DPMSolverMultistepScheduler",
    "lcm": "LCMScheduler",
    "flow_euler": "FlowMatchEulerDiscreteScheduler",
    "scm": "SCMScheduler",
}
_DIFFUSION: Final[tuple[SamplerName, ...]] = ("euler", "ddim", "dpmpp_2m", "lcm")
_FLOW: Final[tuple[SamplerName, ...]] = ("flow_euler", "dpmpp_2m")


class Stepped(NamedTuple):
    """After a step: the latents, and the current prediction of the finished picture's."""

    latents: torch.Tensor
    finished: torch.Tensor


class Sampler:
    """One job's schedule: `steps` denoising steps; of a picture that starts from another, the last `strength` of them,
    one at least."""

    def __init__(self, scheduler: Any, steps: int, strength: float) -> None:
        self._scheduler = scheduler
        try:
            if type(scheduler).__name__ == "SCMScheduler":
                # Its two-step schedule has a middle of its own.
                scheduler.set_timesteps(steps, intermediate_timesteps=1.3 if steps == 2 else None)
                self._timesteps = scheduler.timesteps[:-1]
            else:
                scheduler.set_timesteps(steps)
                self._timesteps = scheduler.timesteps
        except ValueError as error:
            raise InvalidRequest(f"this sampler cannot take {steps} steps: {str(error)[:200]}") from None
        self._start = self.index = _start(type(scheduler).__name__, len(self._timesteps), strength)
        if hasattr(scheduler, "set_begin_index"):
            scheduler.set_begin_index(self._start)

    @property
    def steps(self) -> int:
        """Denoising steps in all."""
        return len(self._timesteps) - self._start

    @property
    def done(self) -> int:
        return self.index - self._start

    @property
    def timestep(self) -> torch.Tensor:
        """Of the next step, as the scheduler names it: a scalar on the CPU."""
        timestep: torch.Tensor = self._timesteps[self.index]
        return timestep

    def begin(self, noise: torch.Tensor) -> torch.Tensor:
        """Latents of pure noise."""
        return noise * getattr(self._scheduler, "init_noise_sigma", 1.0) * self._data

    def noised(self, latents: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        """`latents` as noisy as the next step expects them; themselves after the last."""
        if self.index >= len(self._timesteps):
            return latents
        match type(self._scheduler).__name__:
            case "SCMScheduler":
                return torch.cos(self.timestep) * latents + torch.sin(self.timestep) * noise * self._data
            case "FlowMatchEulerDiscreteScheduler":
                noisy: torch.Tensor = self._scheduler.scale_noise(latents, self.timestep[None], noise)
            case _:
                noisy = self._scheduler.add_noise(latents, noise, self.timestep[None])
        return noisy

    def scaled(self, latents: torch.Tensor) -> torch.Tensor:
        """`latents` as the denoiser takes them at the next step."""
        if not hasattr(self._scheduler, "scale_model_input"):
            return latents
        scaled: torch.Tensor = self._scheduler.scale_model_input(latents, self.timestep)
        return scaled

    def step(self, answer: torch.Tensor, latents: torch.Tensor, generator: torch.Generator) -> Stepped:
        """Take the next step with the denoiser's `answer`."""
        scheduler, timestep = self._scheduler, self.timestep
        match type(scheduler).__name__:
            case "FlowMatchEulerDiscreteScheduler":
                sigma = scheduler.sigmas[self.index]
                finished = latents - sigma * answer
                stepped = scheduler.step(answer, timestep, latents, generator=generator).prev_sample
            case "DPMSolverMultistepScheduler":
                stepped = scheduler.step(answer, timestep, latents, generator=generator).prev_sample
                finished = scheduler.model_outputs[-1]
            case "LCMScheduler":
                result = scheduler.step(answer, timestep, latents, generator=generator)
                stepped, finished = result.prev_sample, result.denoised
            case _:
                result = scheduler.step(answer, timestep, latents, generator=generator)
                stepped, finished = result.prev_sample, result.pred_original_sample
        self.index += 1
        return Stepped(stepped, finished)

    @property
    def _data(self) -> float:
        """Standard deviation of the data that the schedule expects."""
        return float(getattr(self._scheduler.config, "sigma_data", None) or 1.0)


class Samplers:
    """The schedules that suit a checkpoint, made from the configuration of the scheduler that it came with."""

    def __init__(self, scheduler: Any) -> None:
        import diffusers

        name = type(scheduler).__name__
        own = next((sampler for sampler, kind in _CLASSES.items() if kind == name), None)
        if own == "scm":
            names: tuple[SamplerName, ...] = ("scm",)
        elif own == "flow_euler" or scheduler.config.get("prediction_type") == "flow_prediction":
            names = _FLOW
        else:
            names = _DIFFUSION
        # A scheduler outside the list (PNDM, Euler ancestral, ...) is replaced by the first of its kind.
        default = own if own in names else names[0]
        self.names: tuple[SamplerName, ...] = (default, *(other for other in names if other != default))
        self._templates = {
            each: scheduler if each == own else _make(getattr(diffusers, _CLASSES[each]), scheduler, each)
            for each in self.names
        }

    def make(self, name: SamplerName | None, steps: int, strength: float = 1.0) -> Sampler:
        """Raises InvalidRequest for a sampler that does not suit, and for steps that it cannot take."""
        chosen = name or self.names[0]
        if chosen not in self._templates:
            raise InvalidRequest(f"this model has no sampler {chosen}; it has {', '.join(self.names)}")
        return Sampler(copy.deepcopy(self._templates[chosen]), steps, strength)


def _make(kind: Any, scheduler: Any, name: SamplerName) -> Any:
    config = scheduler.config
    match name:
        case "ddim":
            # Its own defaults are for pixels; latents are not clipped, and the stock pipelines insist on the offset.
            changes = {
                "steps_offset": 1,
                "clip_sample": config.get("clip_sample", False),
                "set_alpha_to_one": config.get("set_alpha_to_one", False),
            }
        case "dpmpp_2m" if type(scheduler).__name__ == "FlowMatchEulerDiscreteScheduler":
            changes = {
                "prediction_type": "flow_prediction",
                "use_flow_sigmas": True,
                "flow_shift": config.get("shift", 1.0),
            }
        case "flow_euler":
            changes = {"shift": config.get("flow_shift", 1.0)}
        case _:
            changes = {}
    return kind.from_config(config, **changes)


def _start(kind: str, steps: int, strength: float) -> int:
    """Steps that are left out. The stock pipelines round differently: SANA-Sprint's takes the step that is cut."""
    left = int(steps - steps * strength) if kind == "SCMScheduler" else steps - int(steps * strength)
    return min(left, steps - 1)
