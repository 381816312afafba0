# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Charts of the HTML reports as SVG: places, axes and their labels."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

TICKS = 5


@dataclasses.dataclass(frozen=True)
class Axis:
  """Values of one dimension as positions on a chart.

  Attributes:
    low, high: Values at its ends.
    start, end: Pixels there.
    count: Of its ticks.
  """

  low: float
  high: float
  start: float
  end: float
  count: int = TICKS

  def at(self, value: float) -> float:
    """Pixels of a value."""
    part = (value - self.low) / ((self.high - self.low) or 1.0)
    return round(self.start + part * (self.end - self.start), 1)

  def ticks(self) -> list[float]:
    """Values at equal distances, both ends among them."""
    span = (self.high - self.low) or 1.0
    return [self.low + span * k / (self.count - 1) for k in range(self.count)]


@dataclasses.dataclass(frozen=True)
class Chart:
  """Where things lie on a chart.

  Attributes:
    height, width: In pixels.
    left, right, top, bottom: Margins.
  """

  height: int
  width: int = 860
  left: int = 64
  right: int = 20
  top: int = 16
  bottom: int = 44

  @property
  def floor(self) -> int:
    """Where the horizontal axis lies."""
    return self.height - self.bottom

  @property
  def edge(self) -> int:
    """Where the horizontal axis ends."""
    return self.width - self.right

  def horizontal(self, low: float, high: float, count: int = TICKS) -> Axis:
    """An axis from the left to the right."""
    return Axis(low, high, self.left, self.edge, count)

  def vertical(self, low: float, high: float, count: int = TICKS) -> Axis:
    """An axis from below upwards."""
    return Axis(low, high, self.floor, self.top, count)

  def opened(self, label: str) -> list[str]:
    """The beginning of the drawing, with the horizontal axis."""
    return [
      f'<svg viewBox="0 0 {self.width} {self.height}" role="img" aria-label="{label}">',
      f'<line class="axis" x1="{self.left}" x2="{self.edge}" y1="{self.floor}" y2="{self.floor}"/>',
    ]

  def upright(self) -> str:
    """The vertical axis."""
    return (
      f'<line class="axis" x1="{self.left}" x2="{self.left}" y1="{self.top}" y2="{self.floor}"/>'
    )

  def grid(self, axis: Axis) -> list[str]:
    """A line across the chart at each tick of a vertical axis."""
    return [
      f'<line class="grid" x1="{self.left}" x2="{self.edge}" y1="{axis.at(value)}" '
      f'y2="{axis.at(value)}"/>'
      for value in axis.ticks()
    ]

  def beside(self, axis: Axis, form: str, at_right: bool = False) -> list[str]:
    """Numbers at the ticks of a vertical axis, left or right of the chart."""
    x, anchor = (self.edge + 8, 'start') if at_right else (self.left - 8, 'end')
    return [
      f'<text x="{x}" y="{axis.at(value) + 4}" text-anchor="{anchor}">{value:{form}}</text>'
      for value in axis.ticks()
    ]

  def below(self, axis: Axis, form: str, values: Sequence[float] | None = None) -> list[str]:
    """Numbers under the chart; at the ticks, if no others are given."""
    return [
      f'<text x="{axis.at(value)}" y="{self.floor + 18}" text-anchor="middle">{value:{form}}</text>'
      for value in (axis.ticks() if values is None else values)
    ]

  def titles(self, below: str, beside: str) -> list[str]:
    """What the axes are."""
    return [
      f'<text x="{(self.left + self.edge) / 2}" y="{self.height - 8}" text-anchor="middle">'
      f'{below}</text>',
      f'<text transform="translate(14 {self.floor / 2}) rotate(-90)" text-anchor="middle">'
      f'{beside}</text>',
    ]


def span_of(values: Sequence[float], margin: float = 0.05) -> tuple[float, float]:
  """The least and the most, with a part of their distance around them."""
  low, high = min(values), max(values)
  around = margin * (high - low) or margin * max(abs(high), 1.0)
  return low - around, high + around


def polyline(css: str, x: Axis, y: Axis, values: Sequence[tuple[float, float]]) -> str:
  """A line through values."""
  points = ' '.join(f'{x.at(first)},{y.at(second)}' for first, second in values)
  return f'<polyline class="{css}" points="{points}"/>'
