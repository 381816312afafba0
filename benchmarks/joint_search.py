# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What a search gains that knows the memory a converted network really needs.

  pip install 'tflm-patch[train]'
  python benchmarks/joint_search.py --data sign_digits.tar --out run
  python benchmarks/joint_search.py --data sign_digits.tar --out run --cpu-minutes 30 --json

Three searches for the most accurate network within 16 and 32 KB, the image counted, by the same
evolution in the same space, with accuracies inherited from the same supernet:

- stock: the limit is kept by the arena that TFLM needs for the network as it is.
- analytic: by the peak of inputs and outputs of layers, as papers count it (arXiv 2110.15352);
  the network is then converted.
- joint: by the arena of the converted network, planned for every candidate.

The best network of every search is trained from the beginning, quantized, converted, and
measured in TFLM on examples that nothing was chosen by. Three seeds of the evolution. A run that
is killed, or whose CPU minutes are used (exit code 3), goes on where it was.
"""

from __future__ import annotations

import argparse
import importlib.util
import random
import statistics
import sys
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import supernet_setup as shared

from tflm_patch.analysis.patch_stage import per_layer_peak
from tflm_patch.analysis.receptive_field import spatial_graph
from tflm_patch.api import convert_model
from tflm_patch.architecture import Spec, format_spec, load
from tflm_patch.arena import predict
from tflm_patch.conversion import spec_engine
from tflm_patch.conversion.fit_types import Budget
from tflm_patch.nas import Picks, SearchSpace
from tflm_patch.quantization import quantize
from tflm_patch.training.evaluation import int8_score
from tflm_patch.training.run import calibration_samples

KB = 1024
LIMITS = (16 * KB, 32 * KB)
SEEDS = (1, 2, 3)
_TRIES = 200  # for one that fits, before it is made smaller


def stock(spec: Spec, limit: int) -> bool:
  """Whether TFLM holds the network as it is."""
  return predict(spec_engine.trained_graph(spec), pointer_bytes=4).total <= limit


def analytic(spec: Spec, limit: int) -> bool:
  """Whether the peak of layers is within the limit."""
  graph = spatial_graph(spec_engine.trained_graph(spec))
  return graph is not None and per_layer_peak(graph).bytes <= limit


def joint(spec: Spec, limit: int) -> bool:
  """Whether TFLM holds the converted network."""
  return spec_engine.decide(spec, Budget(limit)).fits


ARMS: dict[str, Callable[[Spec, int], bool]] = {
  'stock': stock,
  'analytic': analytic,
  'joint': joint,
}


class Strategy(Protocol):
  """Chooses candidates; is told how accurate they are."""

  def ask(self) -> list[Picks]:
    """A generation of candidates that fit and are new."""
    ...

  def tell(self, scores: Sequence[float]) -> None:
    """The accuracies of the candidates that were asked for last."""
    ...


class Evolution:
  """A first generation by chance, then children of the best: half mutated, half crossed.

  MCUNet's, smaller. Chance depends on the seed and the generation alone.

  Args:
    space: Of candidates.
    fits: Whether one keeps the limit.
    seed: Of chance.
    population: Of a generation.
    parents: The best of all so far.
    mutation: Chance that a decision is made anew.
  """

  def __init__(
    self,
    space: SearchSpace,
    fits: Callable[[Picks], bool],
    seed: int,
    population: int,
    parents: int,
    mutation: float = 0.1,
  ) -> None:
    self._space, self._fits, self._seed = space, fits, seed
    self._population, self._parents, self._mutation = population, parents, mutation
    self._seen: set[Picks] = set()
    self._told: list[tuple[float, int, Picks]] = []
    self._asked: list[Picks] = []
    self._generation = 0

  def ask(self) -> list[Picks]:
    """See `Strategy`."""
    rng = random.Random(f'{self._seed}:{self._generation}')
    self._generation += 1
    best = [picks for _, _, picks in sorted(self._told)[: self._parents]]
    self._asked = []
    for number in range(self._population):
      for attempt in range(2 * _TRIES):
        picks = self._space.canonical(self._proposed(best, number, rng))
        if attempt >= _TRIES:
          picks = self._shrunk(picks, rng)
        if picks not in self._seen and self._fits(picks):
          self._seen.add(picks)
          self._asked.append(picks)
          break
    return self._asked

  def tell(self, scores: Sequence[float]) -> None:
    """See `Strategy`."""
    for score, picks in zip(scores, self._asked):
      self._told.append((-score, len(self._told), picks))

  def _proposed(self, best: list[Picks], number: int, rng: random.Random) -> Sequence[int]:
    if not best:
      return self._space.sample(rng)
    mother, father = rng.choice(best), rng.choice(best)
    if number % 2:
      return [rng.choice(pair) for pair in zip(mother, father)]
    return [
      rng.randrange(len(decision.options)) if rng.random() < self._mutation else pick
      for pick, decision in zip(mother, self._space.decisions)
    ]

  def _shrunk(self, picks: Picks, rng: random.Random) -> Picks:
    """Decisions get their least option, in an order by chance, until the candidate fits."""
    found, decisions = list(picks), self._space.decisions
    for number in rng.sample(range(len(found)), len(found)):
      if self._fits(self._space.canonical(found)):
        break
      options = decisions[number].options
      found[number] = min(range(len(options)), key=options.__getitem__)
    return self._space.canonical(found)


class PackagedEvolution:
  """The package's own evolution, where it has strategies; see `Evolution`."""

  def __init__(
    self,
    space: SearchSpace,
    fits: Callable[[Picks], bool],
    seed: int,
    population: int,
    parents: int,
  ) -> None:
    from tflm_patch.nas import needs, objectives, strategies

    problem = strategies.Problem(space, objectives.Objectives(), fits)
    self._strategy = strategies.strategy_of(
      'evolution', problem, population=population, parents=parents
    )
    self._needs = needs.Needs(needs.Schedule.PLAIN, 0, 0, 0, 0)  # limits are those of `fits`
    self._seed, self._generation, self._count = seed, 0, 0
    self._asked: list[Picks] = []

  def ask(self) -> list[Picks]:
    """See `Strategy`."""
    rng = random.Random(f'{self._seed}:{self._generation}')
    self._generation += 1
    self._asked = self._strategy.ask(rng)
    return self._asked

  def tell(self, scores: Sequence[float]) -> None:
    """See `Strategy`."""
    from tflm_patch.nas.trial import Trial

    self._strategy.tell(
      [
        Trial(self._count + k, picks, '', score, self._needs)
        for k, (picks, score) in enumerate(zip(self._asked, scores))
      ]
    )
    self._count += len(self._asked)


def strategy_of(
  space: SearchSpace, fits: Callable[[Picks], bool], seed: int, arguments: argparse.Namespace
) -> Strategy:
  """The strategy of all searches: the place to put in another one."""
  packaged = importlib.util.find_spec('tflm_patch.nas.strategies') is not None
  make = PackagedEvolution if packaged else Evolution
  return make(space, fits, seed, arguments.population, arguments.parents)


def searched(
  setup: shared.Setup,
  evaluate: Callable[[list[Spec]], list[float]],
  arm: str,
  limit: int,
  seed: int,
  arguments: argparse.Namespace,
) -> dict[str, Any]:
  """The best network of a search, by inherited accuracy."""
  space = setup.space
  known: dict[Picks, bool] = {}

  def fits(picks: Picks) -> bool:
    if picks not in known:
      known[picks] = ARMS[arm](space.spec_of(picks), limit)
    return known[picks]

  strategy = strategy_of(space, fits, seed, arguments)
  best: tuple[float, str] | None = None
  judged = 0
  for generation in range(arguments.generations):
    specs = [space.spec_of(picks) for picks in strategy.ask()]
    scores = evaluate(specs)
    strategy.tell(scores)
    judged += len(specs)
    for spec, score in zip(specs, scores):
      if best is None or score > best[0]:
        best = score, format_spec(spec)
    shown = 'nothing fits' if best is None else f'best {best[0]:.2f} %'
    setup.work.say(f'{arm}, {limit:,} bytes, seed {seed}: generation {generation + 1}, {shown}')
  found = {'arm': arm, 'limit': limit, 'seed': seed, 'judged': judged, 'drawn': len(known)}
  found['fitting_share'] = sum(known.values()) / max(1, len(known))
  return {**found, 'spec': None if best is None else best[1], 'inherited': best and best[0]}


def finished(setup: shared.Setup, line: str, name: str) -> dict[str, Any]:
  """A network trained, quantized, converted and measured."""
  spec = load(line)
  dataset = shared.in_shape(setup.data.whole, spec)
  model = shared.trained_alone(setup.work, spec, dataset, setup.alone_options, name)
  quantized = quantize(model, calibration_samples(dataset))
  converted = convert_model(quantized.data)
  score = int8_score(quantized.model, converted.data, dataset, dataset.test, setup.work.say)
  return {
    'float_accuracy': shared.accuracy(model, dataset),
    'int8_accuracy': score.score,
    'arena_stock': converted.original_arena.total,
    'arena': converted.converted_arena.total,
    'file_bytes': converted.converted_bytes,
    'macs': converted.converted_macs,
  }


def summary(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
  """Medians over the seeds."""
  found = []
  for limit in dict.fromkeys(row['limit'] for row in rows):
    for arm in ARMS:
      some = [row for row in rows if (row['arm'], row['limit']) == (arm, limit)]
      done = [row for row in some if row['spec'] is not None]
      medians = {
        key: statistics.median(row[key] for row in done)
        for key in ('inherited', 'int8_accuracy', 'arena_stock', 'arena', 'file_bytes', 'macs')
        if done
      }
      share = statistics.mean(row['fitting_share'] for row in some)
      found.append({'arm': arm, 'limit': limit, 'fitting_share': share, **medians})
  return found


def main() -> int:
  """Searches, trains, prints."""
  parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
  shared.add_arguments(parser)
  parser.add_argument('--limits', type=int, nargs='+', default=list(LIMITS), help='bytes')
  parser.add_argument('--seeds', type=int, nargs='+', default=list(SEEDS), help='of the evolution')
  parser.add_argument('--population', type=int, default=50)
  parser.add_argument('--parents', type=int, default=12)
  parser.add_argument('--generations', type=int, default=12)
  arguments = parser.parse_args()
  own = {name: getattr(arguments, name) for name in ('population', 'parents', 'generations')}
  setup = shared.setup_of(arguments, own)
  work = setup.work
  try:
    supernet = shared.trained_supernet(setup)
    evaluate = shared.inherited(work, supernet, setup.data)
    found = [
      work.once(
        f'{arm} {limit} {seed}',
        lambda arm=arm, limit=limit, seed=seed: searched(
          setup, evaluate, arm, limit, seed, arguments
        ),
      )
      for limit in arguments.limits
      for arm in ARMS
      for seed in arguments.seeds
    ]
    # Searches that found the same network share its training.
    lines = list(dict.fromkeys(row['spec'] for row in found if row['spec'] is not None))
    finals = {
      line: work.once(line, lambda line=line, k=k: finished(setup, line, f'finalist_{k}'))
      for k, line in enumerate(lines)
    }
  except shared.LimitReached:
    print(
      f'the time of this run is used; the same command goes on ({arguments.out})', file=sys.stderr
    )
    return 3
  rows = [{**row, **finals.get(row['spec'], {})} for row in found]
  figures = {'seeds': arguments.seeds, **own, 'summary': summary(rows), 'searches': rows}
  text = shared.report('joint_search', setup, figures, arguments.record)
  if arguments.json:
    print(text)
    return 0
  print('| limit | search | accuracy, int8 in TFLM | arena, stock -> converted | MACs | that fit |')
  print('|---:|---|---:|---:|---:|---:|')
  for row in figures['summary']:
    fitting = f'{100 * row["fitting_share"]:.1f} %'
    if 'arena' not in row:
      print(f'| {row["limit"]:,} | {row["arm"]} | none | | | {fitting} |')
      continue
    print(
      f'| {row["limit"]:,} | {row["arm"]} | {row["int8_accuracy"]:.2f} % '
      f'| {row["arena_stock"]:,.0f} -> {row["arena"]:,.0f} | {row["macs"]:,.0f} | {fitting} |'
    )
  return 0


if __name__ == '__main__':
  sys.exit(main())
