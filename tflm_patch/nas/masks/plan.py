# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What can be masked in the largest network of a space, and what each layer costs.

Channels that a choice leaves out are multiplied by 0, and so are the outer weights of windows
(as arXiv 1904.02877); blocks that it leaves out add nothing to what skips them. Nothing here
needs Keras.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Any

from tflm_patch.architecture.catalogue import divisible
from tflm_patch.architecture.layers import Layer, Value
from tflm_patch.architecture.network import Fragment, network_of
from tflm_patch.architecture.spec import Padding, Pair, Spec
from tflm_patch.errors import TflmPatchError
from tflm_patch.nas.proxies.parameters import taps_of
from tflm_patch.nas.space import Picks, SearchSpace, StageChoice


@dataclasses.dataclass(frozen=True)
class Choice:
  """A decision that is learned.

  Attributes:
    decision: Its number in the space.
    values: Channels, numbers of blocks, or cells of windows, of each option.
  """

  decision: int
  values: tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class Gate:
  """A block that is there only when its stage is deep enough.

  Attributes:
    choice: Number of the choice of the stage's depth.
    block: Its number in the stage: it is there where the depth is above.
  """

  choice: int
  block: int


@dataclasses.dataclass(frozen=True)
class Window:
  """Windows of a layer that lie in one another, with the same centre.

  Attributes:
    choice: Number of the choice.
    sizes: Rows and columns of each option.
  """

  choice: int
  sizes: tuple[Pair, ...]


@dataclasses.dataclass(frozen=True)
class LayerCost:
  """A layer, as costs see it.

  Attributes:
    taps: Weights of an output value, all input channels counted; 0 for none.
    per_channel: Whether an output channel reads one input channel alone.
    source, output: Numbers of the choices of its channels; None where they are fixed.
    source_bytes, output_bytes: Of its int8 maps, of the whole network.
    channels: Of the output.
    cells: Of the output.
    gate: Of its block; None for one that is always there.
    window: Number of the choice of its window; None where that is fixed.
  """

  taps: int
  per_channel: bool
  source: int | None
  output: int | None
  source_bytes: int
  output_bytes: int
  channels: int
  cells: int
  gate: Gate | None
  window: int | None = None


@dataclasses.dataclass(frozen=True)
class MaskPlan:
  """The largest network and its choices.

  Attributes:
    spec: The network.
    picks: It, as a candidate; what is not learned stays as it is here.
    choices: What is learned.
    layers: Costs of all layers.
    masks: By number of a layer: the choice that masks its output.
    gates: By number of a layer: the gate of its output.
    windows: By number of a layer: what its window may be.
  """

  spec: Spec
  picks: Picks
  choices: tuple[Choice, ...]
  layers: tuple[LayerCost, ...]
  masks: dict[int, int]
  gates: dict[int, Gate]
  windows: dict[int, Window]

  def candidate(self, space: SearchSpace, options: Sequence[int]) -> Picks:
    """The candidate with an option of each choice."""
    found = list(self.picks)
    for choice, option in zip(self.choices, options):
      found[choice.decision] = option
    return space.canonical(found)


@dataclasses.dataclass(frozen=True)
class _BlockChoices:
  """Numbers of the choices of a block; None where there is one option."""

  width: int | None = None
  inner: int | None = None
  depth: int | None = None
  number: int = 0
  least_depth: int = 1
  window: Window | None = None


def plan_masks(space: SearchSpace, number: int) -> MaskPlan:
  """The largest network of an input, and what can be masked in it.

  Args:
    space: Widths of stages, depths, expansions and windows are learned; of windows that do not
      lie in one another the least is taken.
    number: Of the input.

  Raises:
    TflmPatchError: stages are cells.
  """
  if any(stage.is_cells for stage in space.stages):
    raise TflmPatchError(
      f'space "{space.name}": cells (growth, after) have no masks; use another strategy'
    )
  picks = _largest(space, number)
  spec = space.spec_of(picks)
  network = network_of(spec)
  choices: list[Choice] = []
  of_block: dict[int, _BlockChoices] = {}
  at, first = 2, len(space.stem)
  for stage in space.stages:
    deepest = max(stage.depths)
    fragments = network.fragments[first : first + deepest]
    width = space.widths[picks[1]]
    found = _stage_choices(space, stage, at, width, fragments, choices)
    of_block.update({first + b: each for b, each in enumerate(found)})
    at, first = at + 2 + 2 * deepest, first + deepest
  walk = _Walk(_windowed(space, picks))
  for block, fragment in enumerate(network.fragments):
    walk.block(fragment, of_block.get(block, _BlockChoices()))
  layers = tuple(walk.layers)
  return MaskPlan(spec, picks, tuple(choices), layers, walk.masks, walk.gates, walk.windows)


def _largest(space: SearchSpace, number: int) -> Picks:
  picks, at = [number, _pick(space.decisions[1].options, max)], 2
  for stage in space.stages:
    blocks = 2 * max(stage.depths)
    kernel = max if _nested(stage) else min
    for decision in space.decisions[at : at + 2 + blocks]:
      choose = kernel if decision.name.endswith('.kernel') else max
      picks.append(_pick(decision.options, choose))
    at += 2 + blocks
  return space.canonical(picks)


def _pick(options: Sequence[Any], choose: Callable[..., int]) -> int:
  return choose(range(len(options)), key=options.__getitem__)


def _nested(stage: StageChoice) -> bool:
  """Whether the windows of a stage lie in one another, with the same centre on the image."""
  rows, cols = zip(*stage.kernels)
  return (
    stage.block.padding is Padding.SAME
    and len({size % 2 for size in rows}) == len({size % 2 for size in cols}) == 1
    and (max(rows), max(cols)) in stage.kernels
    and all(size >= step for each in stage.kernels for size, step in zip(each, stage.block.stride))
  )


def _windowed(space: SearchSpace, picks: Picks) -> frozenset[int]:
  """Numbers of the layers whose window a decision changes."""
  least = [
    _pick(decision.options, min) if decision.name.endswith('.kernel') else pick
    for decision, pick in zip(space.decisions, picks)
  ]
  pair = [list(network_of(space.spec_of(each)).layers()) for each in (picks, tuple(least))]
  return frozenset(k for k, (one, other) in enumerate(zip(*pair)) if one.kernel != other.kernel)


def _stage_choices(
  space: SearchSpace,
  stage: StageChoice,
  at: int,
  width: float,
  fragments: Sequence[Fragment],
  choices: list[Choice],
) -> list[_BlockChoices]:
  """The choices of a stage's blocks; new ones are added to `choices`."""

  def learned(decision: int, values: Sequence[int]) -> int | None:
    if len(set(values)) < 2:
      return None
    choices.append(Choice(decision, tuple(values)))
    return len(choices) - 1

  scales = [width * each for each in stage.widths]
  channels = [divisible(stage.block.channels * scale, space.divisor) for scale in scales]
  # Only what is added to its input can be left out.
  least = min(stage.depths)
  can_end = all(fragment.layers[-1].opcode == 'ADD' for fragment in fragments[least:])
  shared_width = learned(at + 1, channels) if stage.block.channels else None
  depth = learned(at, stage.depths) if can_end else None
  found = []
  for b, fragment in enumerate(fragments):
    cells = [rows * cols for rows, cols in stage.kernels]
    kernel = learned(at + 2 + 2 * b, cells) if _nested(stage) else None
    window = None if kernel is None else Window(kernel, stage.kernels)
    inner = [max(1, round(each * fragment.input.channels)) for each in stage.expansions]
    expansion = learned(at + 3 + 2 * b, inner)
    found.append(_BlockChoices(shared_width, expansion, depth, b, least, window))
  return found


class _Walk:
  """Goes through the layers, and knows which choice each value's channels have.

  Args:
    windowed: Layers whose window a decision changes.
  """

  def __init__(self, windowed: frozenset[int]) -> None:
    self._windowed = windowed
    self.windows: dict[int, Window] = {}
    self.layers: list[LayerCost] = []
    self.masks: dict[int, int] = {}
    self.gates: dict[int, Gate] = {}
    self._source: int | None = None  # choice of what the next block reads

  def block(self, fragment: Fragment, choices: _BlockChoices) -> None:
    values: list[Value] = [fragment.input]
    owners: list[int | None] = [self._source]
    convs = [k for k, layer in enumerate(fragment.layers) if layer.opcode == 'CONV_2D']
    gate = None
    if choices.depth is not None and choices.number >= choices.least_depth:
      gate = Gate(choices.depth, choices.number)
    for k, layer in enumerate(fragment.layers):
      owner = _owner(layer, owners, choices, is_last=bool(convs) and k == convs[-1])
      if owner is not None and layer.opcode in ('CONV_2D', 'DEPTHWISE_CONV_2D'):
        self.masks[len(self.layers)] = owner
      if gate is not None and convs and k == convs[-1]:
        self.gates[len(self.layers)] = gate
      cost = _cost(layer, values, owners, owner, gate)
      if choices.window is not None and len(self.layers) in self._windowed:
        self.windows[len(self.layers)] = choices.window
        cost = dataclasses.replace(cost, window=choices.window.choice)
      self.layers.append(cost)
      values.append(layer.output)
      owners.append(owner)
    self._source = owners[fragment.end]


def _owner(
  layer: Layer, owners: Sequence[int | None], choices: _BlockChoices, is_last: bool
) -> int | None:
  """The choice of a layer's output channels."""
  if layer.opcode == 'CONV_2D':
    return choices.width if is_last else choices.inner
  if layer.opcode == 'FULLY_CONNECTED':
    return None
  known = [owners[value] for value in layer.inputs if owners[value] is not None]
  return known[0] if known else None


def _cost(
  layer: Layer,
  values: Sequence[Value],
  owners: Sequence[int | None],
  owner: int | None,
  gate: Gate | None,
) -> LayerCost:
  source = values[layer.inputs[0]]
  cells = math.prod(layer.output.shape[1:-1])
  return LayerCost(
    taps=taps_of(layer, source),
    per_channel=layer.opcode == 'DEPTHWISE_CONV_2D',
    source=owners[layer.inputs[0]],
    output=owner,
    source_bytes=sum(math.prod(values[value].shape) for value in layer.inputs),
    output_bytes=math.prod(layer.output.shape),
    channels=layer.output.channels,
    cells=cells,
    gate=gate,
  )


def plain_costs(plan: MaskPlan, options: Sequence[int]) -> tuple[float, float]:
  """What the layers of one candidate cost: the peak of their maps, and their weights, in bytes.

  Args:
    plan: Of the network.
    options: Of each choice.
  """

  def share(number: int | None) -> float:
    if number is None:
      return 1.0
    values = plan.choices[number].values
    return values[options[number]] / max(values)

  peak, weights = 0.0, 0.0
  for layer in plan.layers:
    gate = layer.gate
    if gate is not None and plan.choices[gate.choice].values[options[gate.choice]] <= gate.block:
      continue
    source, output = share(layer.source), share(layer.output)
    peak = max(peak, source * layer.source_bytes + output * layer.output_bytes)
    pairs = output if layer.per_channel else source * output
    weights += pairs * share(layer.window) * layer.taps * layer.channels
  return peak, weights
