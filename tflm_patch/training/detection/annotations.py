# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Boxes as people keep them beside images: Pascal VOC's XML, and YOLO's text.

Files are not trusted: sizes are limited, and XML with entities or a document type is refused.
"""

from __future__ import annotations

import math
import xml.etree.ElementTree as ElementTree

MAX_BYTES = 1 << 20
MAX_BOXES = 500

# Name or number of the class; x and y of the centre, width and height as parts of the sides.
Named = tuple[str, float, float, float, float]


class BadAnnotation(ValueError):
  """A file that is no annotation; says why."""


def voc(data: bytes) -> list[Named]:
  """Boxes of a Pascal VOC file; classes by name, those marked as difficult, too.

  Raises:
    BadAnnotation: it is none.
  """
  if b'<!' in data:
    raise BadAnnotation('it has a document type or entities')
  try:
    root = ElementTree.fromstring(data)
    width, height = (_number(root, f'size/{name}') for name in ('width', 'height'))
    found = []
    for each in root.iter('object'):
      left, top, right, bottom = (
        _number(each, f'bndbox/{name}') for name in ('xmin', 'ymin', 'xmax', 'ymax')
      )
      name = (each.findtext('name') or '').strip()
      middle = (left + right) / 2 / width, (top + bottom) / 2 / height
      found.append((name, *middle, (right - left) / width, (bottom - top) / height))
  except (ElementTree.ParseError, ValueError, ZeroDivisionError) as error:
    raise BadAnnotation(str(error)) from None
  return [_checked(each) for each in _few(found)]


def yolo(data: bytes) -> list[Named]:
  """Boxes of a YOLO file, a line each: class's number, centre, width, height.

  Raises:
    BadAnnotation: it is none.
  """
  found = []
  try:
    for line in data.decode('ascii').splitlines():
      cells = line.split()
      if not cells:
        continue
      number, *numbers = cells
      if not number.isdecimal() or len(numbers) != 4:
        raise BadAnnotation(f'"{line[:40]}" is no class and four numbers')
      x, y, width, height = map(float, numbers)
      found.append((str(int(number[:9])), x, y, width, height))
  except ValueError as error:
    raise BadAnnotation(str(error)) from None
  return [_checked(each) for each in _few(found)]


def _number(node: ElementTree.Element, path: str) -> float:
  text = node.findtext(path)
  if text is None:
    raise ValueError(f'no {path}')
  return float(text)


def _few(found: list[Named]) -> list[Named]:
  if len(found) > MAX_BOXES:
    raise BadAnnotation(f'it has {len(found)} boxes; at most {MAX_BOXES} are read')
  return found


def _checked(box: Named) -> Named:
  name, x, y, width, height = box
  numbers = (x, y, width, height)
  if not name:
    raise BadAnnotation('a box has no class')
  if not all(map(math.isfinite, numbers)) or width <= 0 or height <= 0:
    raise BadAnnotation(f'a box of class "{name[:20]}" has no size')
  if not (0 <= x <= 1 and 0 <= y <= 1 and width <= 1.01 and height <= 1.01):
    raise BadAnnotation(f'a box of class "{name[:20]}" lies outside of its image')
  return box
