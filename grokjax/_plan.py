"""How the steps of a run are cut into chunks and records."""

import math

import equinox as eqx

from ._checks import argument_error, check_whole


class Plan(eqx.Module):
    """How a run is cut: chunks of one shape, so that one compiled program serves warm-up and measurement.

    A number of records without a suitable divisor leaves a shorter last chunk, at the price of a second compilation.
    """

    record_every: int
    records: tuple[int, ...]  # records in each chunk
    warmup_chunks: int

    @property
    def num_steps(self) -> int:
        return self.steps_until(len(self.records))

    @property
    def warmup(self) -> int:
        return self.steps_until(self.warmup_chunks)

    def steps_until(self, chunk: int) -> int:
        """Steps in the first `chunk` chunks."""
        return self.record_every * sum(self.records[:chunk])

    @staticmethod
    def make(num_steps: int, warmup: int, record_every: int | None, num_chunks: int) -> "Plan":
        num_steps = check_whole("num_steps", num_steps)
        warmup = check_whole("warmup", warmup, 0)
        num_chunks = check_whole("num_chunks", num_chunks)
        if record_every is None:
            record_every = divisor_near(num_steps, num_steps / 300) or -(-num_steps // 300)
        record_every = check_whole("record_every", record_every)
        total = -(-num_steps // record_every)
        per_chunk = divisor_near(total, total / num_chunks) or -(-total // num_chunks)
        records = (per_chunk,) * (total // per_chunk) + ((total % per_chunk,) if total % per_chunk else ())
        plan = Plan(record_every, records, -(-warmup // (per_chunk * record_every)))
        if plan.warmup_chunks >= len(records):
            raise argument_error(
                "warmup", f"below num_steps = {num_steps} by a chunk or more", warmup, "Take more steps or chunks."
            )
        return plan


def divisor_near(number: int, wanted: float) -> int | None:
    """The divisor of `number` nearest to `wanted` on a log scale, if there is one within a factor of two."""
    wanted = max(1.0, wanted)
    candidates = [n for n in range(math.ceil(wanted / 2), math.floor(2 * wanted) + 1) if number % n == 0]
    return min(candidates, key=lambda n: abs(math.log(n / wanted)), default=None)
