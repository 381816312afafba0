# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Random models of sequences: step after step, their stages give TFLM's bytes.

  python benchmarks/generated_sequences.py --graphs 5000 --state run.json [--minutes 60] [--json]
  python benchmarks/generated_sequences.py --only 1234

Models with states in variables, LSTM, SVDF, attention, sums over neighbours in graphs, and windows
that slide (--hop); see tests/support/sequence_models.py. Of each, two interpreters of the original
and two of the converted model take 200 steps between them, in turns by chance, with resets by
chance; every output byte is compared. A file that --state names is written on the way: a run that
is killed, or ends after --minutes, goes on there. A difference is printed with the number of the
model, which --only runs again, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import pathlib
import platform
import sys
import time

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / 'tests'))

import provenance  # noqa: E402
from support.sequence_models import Drawn, drawn  # noqa: E402

from tflm_patch.api import convert_model  # noqa: E402
from tflm_patch.errors import TflmPatchError  # noqa: E402
from tflm_patch.runtime.tflm import Interpreter  # noqa: E402

SCHEMA_VERSION = 1
STEPS, PAIRS = 200, 2
_RESETS = 30  # steps between two, about
_SAVED_EVERY = 10


@dataclasses.dataclass
class Figures:
  """What was found so far.

  Attributes:
    next: Number of the next model.
    graphs: How many were compared, by kind.
    refused: Models that --hop refuses, as it says.
    steps: Of all of them.
    resets: Of interpreters.
    differences: Each as text.
    seconds: That it took.
  """

  next: int = 0
  graphs: dict[str, int] = dataclasses.field(default_factory=dict)
  refused: int = 0
  steps: int = 0
  resets: int = 0
  differences: list[str] = dataclasses.field(default_factory=list)
  seconds: float = 0.0


class _Pair:
  """An interpreter of the original and one of the converted model, on one stream of inputs."""

  def __init__(self, original: bytes, converted: bytes, slides: bool) -> None:
    self._stock, self._ours = Interpreter(original), Interpreter(converted)
    self._slides = slides
    self._rows: np.ndarray | None = None

  def reset(self) -> None:
    """Both forget all steps."""
    self._stock.reset()
    self._ours.reset()
    self._rows = None

  def differs(self, rng: np.random.Generator) -> bool:
    """Whether a step gives other bytes."""
    if self._slides:
      return self._window_differs(rng)
    inputs = [_values(rng, spec.dtype, spec.shape) for spec in self._stock.inputs]
    return _are_others(self._stock.invoke(inputs), self._ours.invoke(inputs))

  def _window_differs(self, rng: np.random.Generator) -> bool:
    (whole,), (new,) = self._stock.inputs, self._ours.inputs
    band = _values(rng, new.dtype, new.shape)
    rows = band if self._rows is None else np.concatenate((self._rows, band), axis=1)
    self._rows = rows[:, -whole.shape[1] :]
    made = self._ours.outputs_of([band])
    if (made is not None) != (self._rows.shape == whole.shape):
      return True
    return made is not None and _are_others(
      self._stock.invoke([np.ascontiguousarray(self._rows)]), made
    )


def _values(rng: np.random.Generator, dtype: np.dtype, shape: tuple[int, ...]) -> np.ndarray:
  """Over all of an integer type, or small ones."""
  info, part = np.iinfo(dtype), 1 << int(rng.integers(0, 4))
  return rng.integers(info.min // part, info.max // part + 1, shape).astype(dtype)


def _are_others(wanted: list[np.ndarray], made: list[np.ndarray]) -> bool:
  return any(a.tobytes() != b.tobytes() for a, b in zip(wanted, made, strict=True))


def compare(number: int, model: Drawn, figures: Figures) -> None:
  """Takes the steps of a model, and counts them."""
  rng = np.random.default_rng(number)
  try:
    result = convert_model(model.data, model.options)
  except TflmPatchError:
    if model.options.hop is None:
      raise
    figures.refused += 1
    return
  slides = model.options.hop is not None
  pairs = [_Pair(model.data, result.data, slides) for _ in range(PAIRS)]
  for step in range(STEPS):
    pair = pairs[rng.integers(PAIRS)]
    if rng.integers(_RESETS) == 0:
      pair.reset()
      figures.resets += 1
    if pair.differs(rng):
      _note(figures, f'model {number} ({model.kind}, {model.options}): step {step} differs')
      return
    figures.steps += 1
  figures.graphs[model.kind] = figures.graphs.get(model.kind, 0) + 1


def _note(figures: Figures, text: str) -> None:
  figures.differences.append(text)
  print(text, flush=True)


def run(arguments: argparse.Namespace, figures: Figures) -> None:
  """Compares models until enough are done or the time is up."""
  begin, before = time.monotonic(), figures.seconds
  end = begin + 60 * (arguments.minutes or float('inf'))
  while figures.next < arguments.graphs and time.monotonic() < end:
    number = arguments.seed * 1_000_000 + figures.next
    try:
      compare(number, drawn(number), figures)
    except Exception as error:
      _note(figures, f'model {number}: {type(error).__name__}: {error}')
    figures.next += 1
    figures.seconds = before + time.monotonic() - begin
    if figures.next % _SAVED_EVERY == 0:
      save(arguments, figures)
  save(arguments, figures)


def save(arguments: argparse.Namespace, figures: Figures) -> None:
  """Writes the state, all of it or nothing."""
  if arguments.state is None:
    return
  path = pathlib.Path(arguments.state)
  part = path.with_name(f'{path.name}.part')
  part.write_text(json.dumps({'seed': arguments.seed, **dataclasses.asdict(figures)}, indent=1))
  os.replace(part, path)


def load(arguments: argparse.Namespace) -> Figures:
  """What an earlier run has found; nothing without one.

  Raises:
    SystemExit: the file is none, or of another seed.
  """
  path = None if arguments.state is None else pathlib.Path(arguments.state)
  if path is None or not path.exists():
    return Figures()
  try:
    found = json.loads(path.read_text())
    seed = found.pop('seed')
    figures = Figures(**found)
  except (ValueError, KeyError, TypeError) as error:
    raise SystemExit(f'{path} is no state of this program ({error}); name another file') from None
  if seed != arguments.seed:
    raise SystemExit(f'{path} is of --seed {seed}; give that, or name another file')
  return figures


def summary(arguments: argparse.Namespace, figures: Figures) -> dict[str, object]:
  """For machines."""
  return {
    'schema_version': SCHEMA_VERSION,
    'command': 'python benchmarks/generated_sequences.py --json'
    f' --graphs {arguments.graphs} --seed {arguments.seed}',
    'commit': provenance.commit(),
    'machine': f'{platform.machine()}, one core',
    'seconds': round(figures.seconds),
    'seed': arguments.seed,
    'asked': arguments.graphs,
    'graphs': dict(sorted(figures.graphs.items())),
    'refused': figures.refused,
    'steps': figures.steps,
    'resets': figures.resets,
    'interpreters': 2 * PAIRS,
    'differences': len(figures.differences),
  }


def main() -> int:
  """Runs the models and prints what was found."""
  parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
  parser.add_argument('--graphs', type=int, default=100, help='how many (default: 100)')
  parser.add_argument('--seed', type=int, default=0, help='of the random choices')
  parser.add_argument('--minutes', type=float, help='stop after so long')
  parser.add_argument('--state', help='a file to go on from')
  parser.add_argument('--only', type=int, help='one model, by its number')
  parser.add_argument('--json', action='store_true', help='print the figures for machines')
  arguments = parser.parse_args()
  if arguments.only is not None:
    figures = Figures()
    compare(arguments.only, drawn(arguments.only), figures)
  else:
    figures = load(arguments)
    run(arguments, figures)
  if arguments.json:
    print(json.dumps(summary(arguments, figures), indent=1))
  else:
    counts = ', '.join(f'{count:,} {kind}' for kind, count in sorted(figures.graphs.items()))
    print(
      f'{counts} models, {figures.refused} refused; {figures.steps:,} steps, '
      f'{figures.resets:,} resets, {len(figures.differences)} differences'
    )
  return int(bool(figures.differences))


if __name__ == '__main__':
  sys.exit(main())
