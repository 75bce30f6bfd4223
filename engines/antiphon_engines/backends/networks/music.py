"""MusicGen's decoder (https://arxiv.org/abs/2306.05284) and EnCodec's (https://arxiv.org/abs/2210.13438)."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import torch
from transformers import EncoderDecoderCache

from antiphon_engines.api import EngineUnavailable
from antiphon_engines.backends.networks import Network
from antiphon_engines.backends.networks.cache_name import cache_name
from antiphon_engines.backends.networks.language import filled, states
from antiphon_engines.backends.plans.signature import Precision, Signature


class MusicDecoder(torch.nn.Module):
    """A MusicgenForCausalLM: one frame of codes, the past, and the words' keys and values of every layer, to logits of
    every codebook.

    `ids[rows, codebooks, 1]`, `keys/values[rows, heads, past, size]`, `cross_keys/values[rows, heads, words, size]` ->
    `logits[rows * codebooks, 1, codes]`. The words come as keys and values because each step would otherwise project
    them again, which costs more than all the rest of it.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model
        self._cache = cache_name(model)

    def forward(self, ids: torch.Tensor, *given: torch.Tensor) -> tuple[torch.Tensor, ...]:
        half = len(given) // 2
        cross = given[half:]
        cache = EncoderDecoderCache(filled(given[:half]), filled(cross))
        cache.is_updated = dict.fromkeys(range(half // 2), True)
        rows, _, words, _ = cross[0].shape
        # Only says that there are words: the layers look at their keys and values.
        told = cross[0].new_zeros((rows, words, self.model.config.hidden_size))
        output = self.model(
            input_ids=ids.reshape(-1, ids.shape[-1]),
            encoder_hidden_states=told,
            use_cache=True,
            **{self._cache: cache},
        )
        return output.logits, *states(output[self._cache].self_attention_cache)


class CodecDecoder(torch.nn.Module):
    """An EncodecModel's way from `codes[rows, codebooks, frames]` to `audio[rows, channels, samples]`."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.quantizer = model.quantizer
        self.decoder = model.decoder

    def forward(self, codes: torch.Tensor) -> torch.Tensor:
        audio: torch.Tensor = self.decoder(self.quantizer.decode(codes.transpose(0, 1)))
        return audio


class ExportedLstm(torch.nn.Module):
    """An LSTM and the residual around it as ONNX's own operator, for the exporter alone: torch's decomposition unrolls
    the time that the example happened to have. Computes nothing in torch."""

    def __init__(self, lstm: torch.nn.LSTM) -> None:
        super().__init__()
        self.width = lstm.hidden_size
        self.layers = lstm.num_layers
        for layer in range(lstm.num_layers):
            for name, kinds in (("w", ["weight_ih"]), ("r", ["weight_hh"]), ("b", ["bias_ih", "bias_hh"])):
                values = [_gates(getattr(lstm, f"{kind}_l{layer}")) for kind in kinds]
                self.register_buffer(f"{name}{layer}", torch.cat(values)[None].contiguous())

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """`[rows, channels, time]`."""
        time_first = hidden.permute(2, 0, 1)
        given = time_first
        for layer in range(self.layers):
            length, rows, _ = given.shape
            [answer] = torch.onnx.ops.symbolic_multi_out(
                "LSTM",
                (given, getattr(self, f"w{layer}"), getattr(self, f"r{layer}"), getattr(self, f"b{layer}")),
                attrs={"hidden_size": self.width},
                dtypes=(given.dtype,),
                shapes=((length, 1, rows, self.width),),
                version=14,
            )
            given = answer.squeeze(1)
        return (given + time_first).permute(1, 2, 0)


class ExportedElu(torch.nn.Module):
    """An ELU in simpler operators: TensorRT-RTX 1.7 cannot build its own (its compiler gives that node two inputs where
    it then expects one)."""

    def __init__(self, alpha: float) -> None:
        super().__init__()
        self.alpha = alpha

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        return hidden.clamp(min=0) + self.alpha * (hidden.clamp(max=0).exp() - 1)


def _gates(weight: torch.Tensor) -> torch.Tensor:
    """Torch's order is input, forget, cell, output; ONNX's input, output, forget, cell."""
    entry, forget, cell, leave = weight.detach().chunk(4)
    return torch.cat([entry, leave, forget, cell])


def exportable(network: Network) -> Network:
    """The network as the exporter can follow it; the original is not changed."""
    if not isinstance(network.module, CodecDecoder):
        return network
    module = deepcopy(network.module)
    for layer in module.modules():
        if type(layer).__name__ == "EncodecConv1d":
            _settle_padding(layer)
    for index, layer in enumerate(module.decoder.layers):
        if type(layer).__name__ == "EncodecLSTM":
            module.decoder.layers[index] = ExportedLstm(layer.lstm)
    _replace_elus(module)
    return Network(network.part, module.eval(), network.signature, network.precision)


def _replace_elus(module: torch.nn.Module) -> None:
    for name, child in module.named_children():
        if isinstance(child, torch.nn.ELU):
            setattr(module, name, ExportedElu(child.alpha))
        else:
            _replace_elus(child)


def _settle_padding(layer: Any) -> None:
    """A convolution of stride 1 never needs the padding that depends on the length; the rest are plain numbers."""
    if int(layer.stride) != 1:
        raise EngineUnavailable("this codec's decoder has a strided convolution, which is not exported")
    for name in ("stride", "kernel_size", "padding_total"):
        value = int(getattr(layer, name))
        delattr(layer, name)
        setattr(layer, name, value)
    layer._get_extra_padding_for_conv1d = lambda hidden: 0


def music(model: Any, signature: Signature, precision: Precision) -> Network:
    return Network("music_decoder", MusicDecoder(model).eval(), signature, precision)


def codec(model: Any, signature: Signature, precision: Precision) -> Network:
    return Network("codec_decoder", CodecDecoder(model).eval(), signature, precision)
