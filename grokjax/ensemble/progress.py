"""How far the loop has come, from chunk to chunk: kept in a folder, and taken up again by the very same run."""

from .._checks import argument_error
from . import processes
from .checkpoints import Checkpoints, Origin, fingerprint
from .fixed import Loop
from .plan import Plan, Schedule
from .programs import empty_totals


class Progress:
    """What changes from chunk to chunk."""

    def __init__(self, sampler, states, totals, steps_done, steps_before):
        self.sampler, self.states, self.totals = sampler, states, totals
        self.steps_done, self.steps_before, self.first_chunk = steps_done, steps_before, 0
        self.chunk_seconds: list[float] = []


def identity_of(loop: Loop, plan: Plan, schedule: Schedule, *, fresh: bool) -> str:
    """What makes two runs the same run but for their length; all processes agree on it, and on the length."""
    identity = ""
    if schedule.checkpoint is not None or processes.spans(loop.mesh):
        measured = sorted(loop.observables.items())
        identity = fingerprint((loop.sampler, loop.target, loop.start, loop.keys, measured, fresh))
    same = (identity, plan.record_every, plan.records, schedule.checkpoint is None)
    remedy = "Run one script in all."
    processes.check_same(loop.mesh, "key", "the same, like all arguments, on all processes", same, remedy)
    return identity


def resume(progress: Progress, loop: Loop, plan: Plan, schedule: Schedule, origin: Origin):
    """Go on from the newest checkpoint of this very run, if there is one; the plan from there, and the keeper."""
    if schedule.checkpoint is None:
        return plan, None
    keeper = Checkpoints(schedule.checkpoint, origin, schedule.checkpoint_seconds)
    found, refusal = None, None
    try:
        found = keeper.latest()
    except ValueError as error:  # raised after all processes know of it
        refusal = error
    done = 0 if found is None else found.steps
    seen = (done, str(refusal))
    processes.check_same(loop.mesh, "checkpoint", "a folder that all processes share", seen, "Give another folder.")
    if refusal is not None:
        raise refusal
    if done > plan.num_steps:
        raise argument_error("num_steps", f"at least {done}, what is done in the folder", plan.num_steps, "Take more.")
    if found is not None:
        beyond = done > plan.warmup and progress.steps_before == 0
        template = empty_totals(loop.observables, progress.states, loop.keys) if beyond else progress.totals
        whole = found.restore((progress.sampler, progress.states, template))
        progress.sampler, progress.states, progress.totals = whole
        plan, progress.first_chunk = plan.cut_at(done)
        progress.steps_done = done
    return plan, keeper if processes.leads(loop.mesh) else None


def keep(progress: Progress, loop: Loop, keeper: Checkpoints | None) -> None:
    """A checkpoint after the last whole chunk, if there is a folder."""
    if keeper is None and not processes.spans(loop.mesh):
        return
    on_host = processes.to_host((progress.sampler, progress.states), loop.mesh)
    if keeper is not None and progress.steps_done:
        keeper.keep(progress.steps_done, (*on_host, progress.totals))
