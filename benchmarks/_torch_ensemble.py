"""PyTorch's two ways to advance an ensemble, for `peer_throughput.py`: a loop over seeds, and `torch.func.vmap`.

Overdamped Langevin in whitened coordinates with the energy of `_peers.energy`; torch is no dependency of grokjax.
"""

from typing import Any

import numpy as np
import torch  # pyright: ignore[reportMissingImports]
from _peers import Problem


def energy(weights, readout, inputs, targets, noise_variance: float):
    """U of one network, one row per sample."""
    width, input_dim = weights.shape
    outputs = torch.erf(inputs @ weights.T / input_dim**0.5) @ readout / width**0.5
    data = ((outputs - targets) ** 2).sum() / (2 * noise_variance)
    return data + (weights.square().sum() + readout.square().sum()) / 2


class _Torch:
    """What both share: the tensors, and waiting for the device."""

    def __init__(self, problem: Problem, gradients: int, device: str):
        tensor = lambda array: torch.from_numpy(np.array(array)).to(device)
        self.gradients = gradients
        self.device = device
        self.size = problem.size
        self.data = tensor(problem.inputs), tensor(problem.targets)
        self.weights, self.readouts = tensor(problem.weights), tensor(problem.readouts)
        torch.manual_seed(0)

    def wait(self) -> None:
        if self.device == "cuda":
            torch.cuda.synchronize()

    @property
    def position(self) -> tuple[Any, Any]:
        return self.weights.cpu().numpy(), self.readouts.cpu().numpy()


class Loop(_Torch):
    """One network after the other, autograd and in-place updates."""

    def advance(self) -> None:
        h, noise_variance = self.size.overdamped_step, self.size.noise_variance
        inputs, targets = self.data
        for member in range(self.size.members):
            weights = self.weights[member].clone().requires_grad_(True)
            readout = self.readouts[member].clone().requires_grad_(True)
            parameters = weights, readout
            for _ in range(self.gradients):
                slopes = torch.autograd.grad(energy(weights, readout, inputs, targets, noise_variance), parameters)
                with torch.no_grad():
                    for parameter, slope in zip(parameters, slopes, strict=True):
                        parameter.add_(slope, alpha=-h).add_(torch.randn_like(parameter), alpha=(2 * h) ** 0.5)
            self.weights[member], self.readouts[member] = weights.detach(), readout.detach()
        self.wait()


class Vmap(_Torch):
    """All networks at once by `torch.func.vmap` of `torch.func.grad`."""

    def advance(self) -> None:
        h, noise_variance = self.size.overdamped_step, self.size.noise_variance
        slope = torch.func.vmap(torch.func.grad(energy, argnums=(0, 1)), in_dims=(0, 0, None, None, None))
        with torch.no_grad():
            for _ in range(self.gradients):
                slopes = slope(self.weights, self.readouts, *self.data, noise_variance)
                for parameter, by in zip((self.weights, self.readouts), slopes, strict=True):
                    parameter.add_(by, alpha=-h).add_(torch.randn_like(parameter), alpha=(2 * h) ** 0.5)
        self.wait()
