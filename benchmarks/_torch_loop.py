"""The usual way of working, for comparison: a PyTorch loop that trains one network at a time.

Run by `representation.py`, possibly by another interpreter; prints one JSON line. Same network, data, optimisers and
measurements at every step (training and validation accuracy, RQI) as the ensemble.
"""

import itertools
import json
import sys
import time

import torch  # pyright: ignore[reportMissingImports]


def train(num_steps: int, *, measure: bool, seed: int = 0) -> float:
    torch.manual_seed(seed)
    pairs = torch.tensor(list(itertools.combinations_with_replacement(range(10), 2)))
    labels = pairs.sum(dim=1)
    order = torch.randperm(55)
    training, validation = order[:45], order[45:]
    templates = torch.randn(19, 30)
    first, second = torch.triu_indices(55, 55, offset=1)
    same = labels[first] == labels[second]
    first, second = first[same], second[same]

    embedding = torch.nn.Parameter(torch.rand(10, 1) - 0.5)
    tanh = torch.nn.Tanh
    decoder = torch.nn.Sequential(
        torch.nn.Linear(1, 200), tanh(), torch.nn.Linear(200, 200), tanh(), torch.nn.Linear(200, 30)
    )
    optimisers = (
        torch.optim.AdamW([embedding], lr=1e-3, weight_decay=0.0),
        torch.optim.AdamW(decoder.parameters(), lr=1e-4, weight_decay=1.0),
    )
    outputs = lambda samples: decoder(embedding[pairs[samples, 0]] + embedding[pairs[samples, 1]])
    accuracy = lambda out, samples: (torch.cdist(out, templates).argmin(dim=1) == labels[samples]).float().mean()
    history = []
    for _ in range(num_steps):
        out = outputs(training)
        loss = ((out - templates[labels[training]]) ** 2).mean()
        for optimiser in optimisers:
            optimiser.zero_grad()
        loss.backward()
        for optimiser in optimisers:
            optimiser.step()
        if measure:
            with torch.no_grad():
                scaled = (embedding - embedding.mean(dim=0)) / embedding.std(dim=0)
                inputs = scaled[pairs[:, 0]] + scaled[pairs[:, 1]]
                closed = (((inputs[first] - inputs[second]) ** 2).mean(dim=1) < 0.01).float().mean()
                held_out = accuracy(outputs(validation), validation)
                history.append((accuracy(out, training).item(), held_out.item(), closed.item()))
    return loss.item()


def main() -> None:
    num_steps = int(sys.argv[1])
    rows = []
    for threads in sorted({1, torch.get_num_threads()}):
        torch.set_num_threads(threads)
        for measure in (False, True):
            train(20, measure=measure)
            started = time.perf_counter(), time.process_time()
            train(num_steps, measure=measure)
            wall, cpu = time.perf_counter() - started[0], time.process_time() - started[1]
            rows.append({"threads": threads, "measured": measure, "wall": wall / num_steps, "cpu": cpu / num_steps})
    print(json.dumps({"version": torch.__version__, "rows": rows}))


if __name__ == "__main__":
    main()
