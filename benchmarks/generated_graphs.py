# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Random small networks: their stages give TFLM's bytes, on the host and on emulated cores.

  python benchmarks/generated_graphs.py --graphs 1000 --seed 1 [--json]
  python benchmarks/generated_graphs.py --graphs 200 --core cortex-m4 --core cortex-m55
  python benchmarks/generated_graphs.py --graphs 20000 --state run.json [--minutes 60]

Networks of int8 maps, most of their operators from heads (what moves, joins and reduces maps),
and of int16 maps, none of them twice. Each becomes stages whatever that saves, and is compared with
TFLM's interpreter. With --core, those that become one stage of all their operators run on QEMU,
too: hundreds in one run of a core, against the same outputs. A file that --state names is written
on the way: a run that is killed, or ends after --minutes, goes on there. A difference prints the
calls of the model builder (tests/support) that make the network again, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import dataclasses
import gc
import hashlib
import json
import os
import pathlib
import platform
import sys
import tempfile
import time
from collections.abc import Sequence
from typing import Any

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / 'tests'))

import provenance  # noqa: E402
import resumable  # noqa: E402
from hypothesis import HealthCheck, Phase, given, seed, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from support import emulated, graph_batch  # noqa: E402
from support.compare import check_conversion  # noqa: E402
from support.graphs import Network, small_networks  # noqa: E402
from support.int16_graphs import int16_networks  # noqa: E402

from tflm_patch.api import ConversionResult, ConvertOptions  # noqa: E402
from tflm_patch.planner.options import PlanOptions  # noqa: E402
from tflm_patch.runtime.inputs import sample_inputs  # noqa: E402

SCHEMA_VERSION = 2
INPUTS = 4
PART = 250  # graphs of one choice of seed; the state is written after each
_OPTIONS = st.builds(
  ConvertOptions,
  force_stage=st.just(True),
  plan=st.builds(
    PlanOptions,
    max_overhead=st.sampled_from([1.0, 1.0, 10.0]),
    schedule=st.sampled_from(['auto', 'auto', 'layer', 'stream']),
  ),
)
NETWORKS: dict[str, st.SearchStrategy[Network]] = {
  'int8': small_networks(moving=True),
  'int16': int16_networks(),
}


Counts = collections.Counter[str]


@dataclasses.dataclass
class Figures:
  """What was found so far.

  Attributes:
    parts: How many parts were drawn.
    seen: Short digests of the graphs that were compared.
    graphs: How many were compared, by the type of their maps.
    operators: How many of each opcode were in their stages.
    on_cores: How many ran on each core.
    differences: Each as text.
    commits: That were measured.
    seconds: That it took.
    seconds_on_cores: Of these, for running batches, by core.
    cpu_seconds: Of this process and those that it started.
  """

  parts: int = 0
  seen: list[str] = dataclasses.field(default_factory=list)
  graphs: Counts = dataclasses.field(default_factory=collections.Counter)
  operators: Counts = dataclasses.field(default_factory=collections.Counter)
  on_cores: Counts = dataclasses.field(default_factory=collections.Counter)
  differences: list[str] = dataclasses.field(default_factory=list)
  commits: list[str] = dataclasses.field(default_factory=list)
  seconds: float = 0.0
  seconds_on_cores: Counts = dataclasses.field(default_factory=collections.Counter)
  cpu_seconds: float = 0.0

  @property
  def total(self) -> int:
    """How many graphs were compared."""
    return sum(self.graphs.values())

  def count(self, kind: str, result: ConversionResult) -> None:
    """Counts a graph that was compared."""
    self.graphs[kind] += 1
    for stage in result.stages:
      operators = result.original.main.operators
      self.operators.update(operators[i].opcode for i in stage.region if i < len(operators))

  def note(self, text: str) -> None:
    """A difference."""
    self.differences.append(text)
    print(text, flush=True)


class Cores:
  """Batches of graphs for emulated cores."""

  def __init__(self, names: Sequence[str], folder: pathlib.Path) -> None:
    self._folder = folder
    self._batch: list[tuple[bytes, Network]] = []
    cpus = [emulated.core(name) for name in names]
    self.runners = [graph_batch.build(cpu, folder / cpu.name) for cpu in cpus]

  def add(self, network: Network, result: ConversionResult, figures: Figures) -> None:
    """Puts a graph into the batch where it is one stage; runs the batch before it is too large."""
    if not self.runners:
      return
    samples = list(sample_inputs(result.original, INPUTS, 0))
    entry = graph_batch.entry(network.data, result, samples)
    if entry is None:
      return
    size = len(entry) + sum(len(other) for other, _ in self._batch)
    if size > min(runner.batch_bytes for runner in self.runners):
      self.run(figures)
    self._batch.append((entry, network))

  def run(self, figures: Figures) -> None:
    """Runs what was added on every core."""
    for runner in self.runners if self._batch else ():
      begin, name = time.monotonic(), runner.cpu.name
      failed = graph_batch.run(runner, [entry for entry, _ in self._batch], self._folder)
      figures.on_cores[name] += len(self._batch)
      figures.seconds_on_cores[name] += time.monotonic() - begin
      for number, text in failed.items():
        figures.note(f'{name}: {text}\n{self._batch[number][1]!r}')
    self._batch = []


class _Enough(KeyboardInterrupt):
  """Ends a part early, as Ctrl-C does: hypothesis lets it through."""


def run_part(graphs: int, first_seed: int, figures: Figures, cores: Cores) -> None:
  """Compares the next part's graphs, until there are `graphs` in all."""
  kinds = st.sampled_from(['int8', 'int8', 'int8', 'int16'])
  seen = set(figures.seen)

  @seed(1_000_000 * first_seed + figures.parts)
  @settings(
    max_examples=min(PART, 2 * graphs),
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
  )
  @given(kinds.flatmap(lambda kind: st.tuples(st.just(kind), NETWORKS[kind])), _OPTIONS)
  def compare(named: tuple[str, Network], options: ConvertOptions) -> None:
    kind, network = named
    if figures.total >= graphs:
      raise _Enough
    digest = hashlib.sha256(network.data + repr(options).encode()).hexdigest()[:16]
    if digest in seen:
      return
    seen.add(digest)
    figures.seen.append(digest)
    try:
      result = check_conversion(network.data, options, INPUTS)
    except Exception as error:
      figures.note(f'{type(error).__name__}: {error}\n{options}{network!r}')
      return
    figures.count(kind, result)
    cores.add(network, result, figures)

  with contextlib.suppress(_Enough):
    compare()
  cores.run(figures)
  figures.parts += 1


def run(
  graphs: int,
  first_seed: int,
  figures: Figures,
  cores: Cores,
  *,
  minutes: float = float('inf'),
  state: pathlib.Path | None = None,
) -> None:
  """Compares graphs until there are so many or the time is up."""
  begin, cpu_begin = time.monotonic(), resumable.cpu_seconds()
  before, cpu_before = figures.seconds, figures.cpu_seconds
  if provenance.commit() not in figures.commits:
    figures.commits.append(provenance.commit())
  while figures.total < graphs and time.monotonic() < begin + 60 * minutes:
    run_part(graphs, first_seed, figures, cores)
    figures.seconds = before + time.monotonic() - begin
    figures.cpu_seconds = cpu_before + resumable.cpu_seconds() - cpu_begin
    print(
      f'{figures.total} graphs, {len(figures.differences)} differences', file=sys.stderr, flush=True
    )
    if state is not None:
      save(state, first_seed, cores, figures)


def _settings(first_seed: int, cores: Cores) -> dict[str, Any]:
  return {'seed': first_seed, 'cores': [runner.cpu.name for runner in cores.runners]}


def save(path: pathlib.Path, first_seed: int, cores: Cores, figures: Figures) -> None:
  """Writes the state, all of it or nothing."""
  part = path.with_name(f'{path.name}.part')
  found = {'settings': _settings(first_seed, cores), **vars(figures)}
  part.write_text(json.dumps(found) + '\n')
  os.replace(part, path)


def load(path: pathlib.Path, first_seed: int, cores: Cores) -> Figures:
  """What an earlier run has found; nothing without one.

  Raises:
    SystemExit: the file is none, or of another seed or other cores.
  """
  if not path.exists():
    return Figures()
  try:
    found = json.loads(path.read_text())
    settings_ = found.pop('settings')
    counters = ('graphs', 'operators', 'on_cores', 'seconds_on_cores')
    figures = Figures(**{**found, **{name: Counts(found[name]) for name in counters}})
  except (ValueError, KeyError, TypeError) as error:
    raise SystemExit(f'{path} is no state of this program ({error}); name another file') from None
  if settings_ != _settings(first_seed, cores):
    raise SystemExit(
      f'{path} is of --seed {settings_["seed"]} and of the cores {settings_["cores"]}; '
      'give these, or name another file'
    )
  return figures


def summary(figures: Figures, arguments: argparse.Namespace) -> dict[str, object]:
  """For machines."""
  cores = ''.join(f' --core {name}' for name in arguments.core)
  return {
    'schema_version': SCHEMA_VERSION,
    'command': 'python benchmarks/generated_graphs.py --json'
    f' --graphs {arguments.graphs} --seed {arguments.seed}{cores}',
    'commit': ' '.join(figures.commits),
    'machine': f'{platform.machine()}, one core',
    'seconds': round(figures.seconds),
    'cpu_seconds': round(figures.cpu_seconds),
    'seconds_on_cores': {name: round(used) for name, used in figures.seconds_on_cores.items()},
    'seed': arguments.seed,
    'graphs': dict(figures.graphs),
    'differences': len(figures.differences),
    'on_cores': dict(figures.on_cores),
    'operators': dict(sorted(figures.operators.items())),
  }


def main() -> None:
  """Runs the graphs and prints what was found."""
  parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
  parser.add_argument('--graphs', type=int, default=200, help='how many (default: 200)')
  parser.add_argument('--seed', type=int, default=0, help='of the random choices')
  parser.add_argument('--minutes', type=float, default=float('inf'), help='stop after so long')
  parser.add_argument('--state', type=pathlib.Path, help='a file to go on from')
  parser.add_argument('--core', action='append', default=[], help='an emulated core to run on')
  parser.add_argument('--json', action='store_true', help='print the figures for machines')
  arguments = parser.parse_args()
  gc.freeze()  # collections otherwise take an eighth of the time
  gc.set_threshold(100_000, 50, 50)
  with tempfile.TemporaryDirectory(prefix='tflm_patch_graphs_') as folder:
    cores = Cores(arguments.core, pathlib.Path(folder))
    state = arguments.state
    figures = Figures() if state is None else load(state, arguments.seed, cores)
    with contextlib.suppress(KeyboardInterrupt):  # what was found is printed
      limits = {'minutes': arguments.minutes, 'state': state}
      run(arguments.graphs, arguments.seed, figures, cores, **limits)
  if arguments.json:
    print(json.dumps(summary(figures, arguments), indent=2))
  else:
    counts = ', '.join(f'{count:,} {kind}' for kind, count in figures.graphs.items())
    print(f'{counts} graphs, {len(figures.differences)} differences')
    for name, count in figures.on_cores.items():
      print(f'{count:,} of them on {name}')
    for opcode, count in sorted(figures.operators.items()):
      print(f'  {opcode:26}{count:>8,}')
  sys.exit(1 if figures.differences else 0)


if __name__ == '__main__':
  main()
