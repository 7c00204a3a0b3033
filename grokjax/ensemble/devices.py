"""Which devices an ensemble runs on."""

from typing import Any

import jax

from .._checks import argument_error


def available() -> list[Any]:
    """All devices of jax's backend, other processes' included, or the one that was set as its default device.

    Examples:
        >>> grokjax.devices.available() == jax.devices()
        True
    """
    chosen = jax.config.jax_default_device  # pyright: ignore[reportAttributeAccessIssue]
    return jax.devices() if chosen is None else [chosen]


def use(platform: str | None) -> Any:
    """Compute on "cpu", "gpu" or "tpu" from here on; None leaves jax's own choice.

    Returns:
        The first device in use of this process.

    Raises:
        ValueError: jax has no such device here.

    Examples:
        >>> grokjax.devices.use("cpu").platform
        'cpu'
        >>> jax.config.update("jax_default_device", None)  # what jax chooses
    """
    if platform is not None and platform != jax.default_backend():
        try:
            jax.config.update("jax_default_device", jax.local_devices(backend=platform)[0])
        except RuntimeError:
            raise argument_error(
                "device",
                f"what jax has here: {jax.default_backend()!r}",
                platform,
                "Install jax for it: grokjax[cuda].",
            ) from None
    return next(device for device in available() if device.process_index == jax.process_index())
