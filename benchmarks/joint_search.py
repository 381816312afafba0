# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What a search gains that knows the memory a converted network really needs.

  pip install 'tflm-patch[train]'
  python benchmarks/joint_search.py --data cifar10.tar --out run
  python benchmarks/joint_search.py --data sign_digits.tar --out run --cpu-minutes 30 --json

Three searches for the most accurate network within 16 and 32 KB, the image counted, by the same
evolution in the same space, with the same limits of the converted file and of
multiply-accumulates, and with accuracies inherited from the same supernet:

- stock: the limit is kept by the arena that TFLM needs for the network as it is.
- analytic: by the peak of inputs and outputs of layers, as papers count it (arXiv 2110.15352);
  the network is then converted.
- joint: by the arena of the converted network, planned for every candidate.

Networks by chance are judged with inherited weights; a predictor learns from them and judges the
candidates, and of every round of a search the best few by it are judged themselves. The best one is
trained on from its inherited weights, quantized, converted, and measured in TFLM on examples that
nothing was chosen by; all finalists have equal time. Where no network keeps a limit, the smallest
one stands for the search, though it takes more. Three seeds of the evolution. A run that is
killed, or whose CPU minutes are used (exit code 3), goes on where it was.
"""

from __future__ import annotations

import argparse
import dataclasses
import math
import random
import statistics
import sys
from collections.abc import Callable, Sequence
from typing import Any

import supernet_setup as shared

from tflm_patch.analysis.patch_stage import per_layer_peak
from tflm_patch.analysis.receptive_field import spatial_graph
from tflm_patch.api import convert_model
from tflm_patch.architecture import Spec, format_spec, load, network_of
from tflm_patch.arena import predict
from tflm_patch.cli.values import argument, parse_size
from tflm_patch.conversion import spec_engine
from tflm_patch.conversion.fit_types import Budget
from tflm_patch.nas import Picks, SearchSpace, needs, objectives, strategies
from tflm_patch.nas.predictor import Predictor
from tflm_patch.nas.supernet import Supernet
from tflm_patch.nas.supernet.calibration import calibration_samples as statistics_samples
from tflm_patch.nas.trial import Trial
from tflm_patch.quantization import quantize
from tflm_patch.training.evaluation import int8_score
from tflm_patch.training.run import calibration_samples

KB = 1024
LIMITS = (16 * KB, 32 * KB)
SEEDS = (1, 2, 3)
# Points of accuracy that joint is to be better by.
MARKS = {('stock', 16 * KB): 5.0, ('analytic', 16 * KB): 1.0}
_ANY_ARENA = 1 << 30
# Of the rate that networks begin with which inherit nothing.
_INHERITED_RATE = 0.2


def largest_layer(spec: Spec) -> int:
  """Bytes that a layer reads and makes, which TFLM holds at once: less than its arena."""
  network = network_of(spec)
  sizes = [math.prod(value.shape) for value in network.values()]
  return max(
    sum(sizes[value] for value in set(layer.inputs)) + math.prod(layer.output.shape)
    for layer in network.layers()
    if layer.opcode != 'RESHAPE'  # in place
  )


def smallest(space: SearchSpace) -> Picks:
  """The network of the least options and the least input."""
  sizes = [math.prod(shape) for shape in space.inputs]
  return space.canonical((sizes.index(min(sizes)), *space.smallest()[1:]))


def stock(spec: Spec, limit: int) -> bool:
  """Whether TFLM holds the network as it is."""
  if largest_layer(spec) > limit:
    return False
  return predict(spec_engine.trained_graph(spec), pointer_bytes=4).total <= limit


def analytic(spec: Spec, limit: int) -> bool:
  """Whether the peak of layers is within the limit."""
  graph = spatial_graph(spec_engine.trained_graph(spec))
  return graph is not None and per_layer_peak(graph).bytes <= limit


def joint(spec: Spec, limit: int) -> bool:
  """Whether TFLM holds the converted network."""
  return spec_engine.decide(spec, Budget(limit)).fits


# Settings of this benchmark, of which a run that goes on has the same.
OWN = (
  'population',
  'parents',
  'generations',
  'flash',
  'macs',
  'examples',
  'rounds',
  'judged',
  'finalists',
  'finalists_cpu_minutes',
)
ARMS: dict[str, Callable[[Spec, int], bool]] = {
  'stock': stock,
  'analytic': analytic,
  'joint': joint,
}


def is_within(spec: Spec, flash: int | None, macs: int | None) -> bool:
  """Whether the converted file and the work keep the limits of all searches; None for none."""
  if flash is None and macs is None:
    return True
  fit = spec_engine.decide(spec, Budget(_ANY_ARENA, flash))
  return fit.fits and (macs is None or fit.macs <= macs)


class Evolution:
  """The package's evolution, of candidates that keep a limit; its scores are given to it."""

  def __init__(
    self,
    space: SearchSpace,
    fits: Callable[[Picks], bool],
    seed: int,
    population: int,
    parents: int,
  ) -> None:
    problem = strategies.Problem(space, objectives.Objectives(), fits)
    self._strategy = strategies.strategy_of(
      'evolution', problem, population=population, parents=parents
    )
    self._needs = needs.Needs(needs.Schedule.PLAIN, 0, 0, 0, 0)  # limits are those of `fits`
    self._seed, self._generation, self._count = seed, 0, 0
    self._asked: list[Picks] = []

  def ask(self) -> list[Picks]:
    """A generation of candidates that fit and are new."""
    rng = random.Random(f'{self._seed}:{self._generation}')
    self._generation += 1
    self._asked = self._strategy.ask(rng)
    return self._asked

  def tell(self, scores: Sequence[float]) -> None:
    """The accuracies of the candidates that were asked for last."""
    self._strategy.tell(
      [
        Trial(self._count + k, picks, '', score, self._needs)
        for k, (picks, score) in enumerate(zip(self._asked, scores))
      ]
    )
    self._count += len(self._asked)


def examples_of(
  setup: shared.Setup, evaluate: Callable[[list[Spec]], list[float]], count: int
) -> dict[Picks, float]:
  """Networks by chance, and their inherited accuracies: what a predictor learns from."""
  space = setup.space
  picks = list(dict.fromkeys(space.samples(2 * count, setup.alone_options.seed)))[:count]
  return dict(zip(picks, evaluate([space.spec_of(each) for each in picks])))


def predictor_of(space: SearchSpace, examples: dict[Picks, float]) -> Predictor:
  """Of some examples."""
  return Predictor(space, list(examples), list(examples.values()))


def searched(
  setup: shared.Setup,
  evaluate: Callable[[list[Spec]], list[float]],
  examples: dict[Picks, float],
  arm: str,
  limit: int,
  seed: int,
  arguments: argparse.Namespace,
) -> dict[str, Any]:
  """The best network of a search, by inherited accuracy.

  A predictor flatters what it likes best, so the search has rounds: the best few are judged, and
  the next evolution is by a predictor that has learned from them, too.
  """
  space = setup.space
  known: dict[Picks, bool] = {}

  def fits(picks: Picks) -> bool:
    if picks not in known:
      spec = space.spec_of(picks)
      # The arena first: few networks have that of the first arm.
      known[picks] = ARMS[arm](spec, limit) and is_within(spec, arguments.flash, arguments.macs)
    return known[picks]

  judged: dict[Picks, float] = {}
  least, rounds = smallest(space), arguments.rounds
  if not fits(least):
    # Nothing fits. The smallest network stands for the arm, though it takes more.
    judged, rounds = {least: evaluate([space.spec_of(least)])[0]}, 0
  for turn in range(rounds):
    predict = predictor_of(space, {**examples, **judged})
    found: dict[Picks, float] = {}
    number = seed * arguments.rounds + turn
    strategy = Evolution(space, fits, number, arguments.population, arguments.parents)
    for _ in range(arguments.generations):
      asked = strategy.ask()
      scores = predict(asked)
      strategy.tell(scores)
      found |= zip(asked, scores)
    new = sorted((picks for picks in found if picks not in judged), key=lambda x: -found[x])
    new = new[: arguments.judged]
    judged |= zip(new, evaluate([space.spec_of(picks) for picks in new]))
    shown = f'best {max(judged.values()):.2f} %' if judged else 'nothing fits'
    setup.work.say(f'{arm}, {limit:,} bytes, seed {seed}: round {turn + 1}, {shown}')
  best = max(judged, key=judged.__getitem__) if judged else None
  return {
    'arm': arm,
    'limit': limit,
    'seed': seed,
    'drawn': len(known),
    'fitting_share': sum(known.values()) / max(1, len(known)),
    'judged': len(judged),
    'fits': rounds > 0,
    'spec': None if best is None else format_spec(space.spec_of(best)),
    'inherited': None if best is None else judged[best],
  }


def finished(
  setup: shared.Setup, supernet: Supernet | None, line: str, name: str, minutes: float | None
) -> dict[str, Any]:
  """A network trained, quantized, converted and measured.

  Args:
    setup: What is worked with.
    supernet: That it begins with the weights of; None to begin by chance.
    line: Its spec.
    name: Of its checkpoint.
    minutes: Of CPU time; None for epochs.
  """
  spec, options, start = load(line), setup.alone_options, None
  if minutes is not None:
    options = dataclasses.replace(options, epochs=None, cpu_minutes=minutes)
  if supernet is not None:
    options = dataclasses.replace(options, learning_rate=_INHERITED_RATE * options.rate)
    start = supernet.extract(spec, statistics_samples(setup.data.divided))
  dataset = shared.in_shape(setup.data.whole, spec)
  model = shared.trained_alone(setup.work, spec, dataset, options, name, start)
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


def differences(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
  """By how many points joint is better than the others: of medians, and the interval of the seeds.

  Returns:
    For each limit and other arm `points`, `least` and `most` of the seeds, and what is `wanted`
    (None where nothing is) and `reached`.
  """
  found = []
  for limit in dict.fromkeys(row['limit'] for row in rows):
    by_arm = {
      arm: {
        row['seed']: row['int8_accuracy']
        for row in rows
        if (row['arm'], row['limit']) == (arm, limit) and row['spec'] is not None
      }
      for arm in ARMS
    }
    ours = by_arm['joint']
    for arm in [name for name in ARMS if name != 'joint']:
      both = sorted(ours.keys() & by_arm[arm].keys())
      if not both:
        continue
      each = [ours[seed] - by_arm[arm][seed] for seed in both]
      points = statistics.median(ours.values()) - statistics.median(by_arm[arm].values())
      wanted = MARKS.get((arm, limit))
      found.append(
        {
          'limit': limit,
          'against': arm,
          'points': points,
          'least': min(each),
          'most': max(each),
          'wanted': wanted,
          'reached': None if wanted is None else points >= wanted,
        }
      )
  return found


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
      fits = all(row['fits'] for row in some)
      found.append({'arm': arm, 'limit': limit, 'fits': fits, 'fitting_share': share, **medians})
  return found


def main() -> int:
  """Searches, trains, prints."""
  parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
  shared.add_arguments(parser)
  parser.add_argument('--limits', type=int, nargs='+', default=list(LIMITS), help='bytes')
  parser.add_argument('--flash', type=argument(parse_size), help='of every search')
  parser.add_argument('--macs', type=int, help='of every search')
  parser.add_argument('--seeds', type=int, nargs='+', default=list(SEEDS), help='of the evolution')
  parser.add_argument('--population', type=int, default=50)
  parser.add_argument('--parents', type=int, default=12)
  parser.add_argument('--generations', type=int, default=12)
  parser.add_argument('--examples', type=int, default=300, help='of the predictor')
  parser.add_argument('--rounds', type=int, default=3, help='of every search')
  parser.add_argument('--judged', type=int, default=5, help='of every round, without the predictor')
  parser.add_argument('--finalists', choices=('inherited', 'scratch'), default='inherited')
  parser.add_argument('--finalists-cpu-minutes', type=float, help='of all of them together')
  arguments = parser.parse_args()
  task = shared.task_for(arguments)
  for name in ('flash', 'macs', 'finalists_cpu_minutes'):
    if getattr(arguments, name) is None:
      setattr(arguments, name, getattr(task, name))
  setup = shared.setup_of(arguments, {name: getattr(arguments, name) for name in OWN})
  work = setup.work
  try:
    supernet = shared.trained_supernet(setup)
    evaluate = shared.inherited(work, supernet, setup.data, task.images)
    examples = examples_of(setup, evaluate, arguments.examples)
    predictor = predictor_of(setup.space, examples)
    work.say(f'predictor of {len(examples)} networks: {predictor.error:.2f} points off')
    found = [
      work.once(
        f'{arm} {limit} {seed}',
        lambda arm=arm, limit=limit, seed=seed: searched(
          setup, evaluate, examples, arm, limit, seed, arguments
        ),
      )
      for limit in arguments.limits
      for arm in ARMS
      for seed in arguments.seeds
    ]
    # Searches that found the same network share its training.
    lines = list(dict.fromkeys(row['spec'] for row in found if row['spec'] is not None))
    minutes = arguments.finalists_cpu_minutes
    each = None if minutes is None else minutes / max(1, len(lines))
    teacher = supernet if arguments.finalists == 'inherited' else None
    finals = {
      line: work.once(
        line, lambda line=line, k=k: finished(setup, teacher, line, f'finalist_{k}', each)
      )
      for k, line in enumerate(lines)
    }
  except shared.LimitReached:
    print(
      f'the time of this run is used; the same command goes on ({arguments.out})', file=sys.stderr
    )
    return 3
  rows = [{**row, **finals.get(row['spec'], {})} for row in found]
  figures = {
    'seeds': arguments.seeds,
    **{name: getattr(arguments, name) for name in OWN},
    'predictor': {'error': predictor.error, 'spearman': predictor.spearman},
    'finalists_trained': len(lines),
    'summary': summary(rows),
    'differences': differences(rows),
    'searches': rows,
  }
  text = shared.report('joint_search', setup, figures, arguments.record)
  if arguments.json:
    print(text)
    return 0
  print('| limit | search | accuracy, int8 in TFLM | arena, stock -> converted | MACs | that fit |')
  print('|---:|---|---:|---:|---:|---:|')
  for row in figures['summary']:
    fitting = f'{100 * row["fitting_share"]:.1f} %' if row['fits'] else 'none: the smallest'
    if 'arena' not in row:
      print(f'| {row["limit"]:,} | {row["arm"]} | none | | | {fitting} |')
      continue
    print(
      f'| {row["limit"]:,} | {row["arm"]} | {row["int8_accuracy"]:.2f} % '
      f'| {row["arena_stock"]:,.0f} -> {row["arena"]:,.0f} | {row["macs"]:,.0f} | {fitting} |'
    )
  print()
  for row in figures['differences']:
    asked = '' if row['wanted'] is None else f' (asked: {row["wanted"]:g})'
    print(
      f'{row["limit"]:,} bytes: joint is {row["points"]:+.2f} points from {row["against"]}{asked}, '
      f'{row["least"]:+.2f} to {row["most"]:+.2f} by seed'
    )
  ranks = predictor.spearman or 0.0  # None of equal scores
  print(f'Predictor: {predictor.error:.2f} points off, Spearman {ranks:.2f}')
  return 0


if __name__ == '__main__':
  sys.exit(main())
