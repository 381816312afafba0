# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Specs as text and as JSON."""

from __future__ import annotations

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tflm_patch.architecture import (
  Activation,
  Block,
  Head,
  Padding,
  Spec,
  SpecError,
  blocks,
  format_spec,
  from_json,
  heads,
  load,
  network_of,
  parse_spec,
  to_json,
)

SIZES = st.integers(1, 9)
PAIRS = st.tuples(SIZES, SIZES)
REALS = st.integers(1, 4000).map(lambda n: n / 64)
VALUES = {
  'kernel': PAIRS,
  'stride': PAIRS,
  'expansion': REALS,
  'channels': st.integers(1, 65535),
  'squeeze': st.one_of(st.just(0.0), REALS),
  'activation': st.sampled_from(Activation),
  'padding': st.sampled_from(Padding),
  'skip': st.booleans(),
  'classes': st.integers(1, 1000),
  'anchors': SIZES,
  'scales': SIZES,
  'softmax': st.booleans(),
}


@st.composite
def parts(draw, registry):
  kind = registry[draw(st.sampled_from(sorted(registry)))]
  values = {field: draw(VALUES[field]) for field in sorted(kind.fields)}
  return dataclasses.replace(kind.defaults, **values)


@st.composite
def specs(draw):
  shape = draw(st.tuples(st.integers(1, 300), st.integers(1, 300), st.integers(1, 20)))
  found = draw(st.lists(parts(blocks.REGISTRY), max_size=6))
  for block in list(found):
    again = [dataclasses.replace(block, stride=(1, 1))] * draw(st.integers(0, 2))
    at = found.index(block) + 1
    found[at:at] = again
  return Spec(shape, tuple(found), draw(parts(heads.REGISTRY)))


@given(specs())
def test_text_and_json_round_trip(spec):
  line = format_spec(spec)
  assert parse_spec(line) == spec
  assert format_spec(parse_spec(line)) == line
  assert from_json(json.loads(json.dumps(to_json(spec)))) == spec


def test_a_line():
  spec = parse_spec('in96x96x3 conv3_s2_c16 ir_k5_e4_s2_c24 x2 dw3x5_valid fc10_softmax')
  wide = Block('ir', (5, 5), (2, 2), expansion=4.0, channels=24)
  assert spec == Spec(
    (96, 96, 3),
    (
      Block('conv', stride=(2, 2), channels=16),
      wide,
      dataclasses.replace(wide, stride=(1, 1)),
      Block('dw', (3, 5), padding=Padding.VALID),
    ),
    Head('fc', classes=10, softmax=True),
  )
  assert format_spec(spec) == ('in96x96x3 conv3_s2_c16 ir_k5_e4_s2_c24 x2 dw3x5_valid fc10_softmax')


# What is wrong, and what the message quotes and says.
@pytest.mark.parametrize(
  ('line', 'quoted', 'reason'),
  [
    ('in96x96x3 conv3_s97_c16 fc10', 'conv3_s97_c16', 'stride 97 is larger than the map of 96x96'),
    ('in96x96x3 conv3_c0 fc10', 'conv3_c0', '0 channels'),
    ('in96x96x3 conv3 fc10', 'conv3_c0', '0 channels'),
    ('in96x96x3 convv3_c8 fc10', 'convv3_c8', 'unknown block; did you mean "conv"?'),
    ('in96x96x3 conv3_c8 fc10 conv3_c8', 'conv3_c8', 'comes after the head'),
    ('in96x96x3 conv3_c8', 'conv3_c8', 'without a head'),
    ('in96x96x3 ir5_c8 fc10', 'ir5_c8', 'no number may follow the name'),
    ('in96x96x3 dense8_k3 fc10', 'dense8_k3', 'says kernel'),
    ('in96x96x3 conv3_c8_c9 fc10', 'conv3_c8_c9', 'channels twice'),
    ('in96x96x3 conv3_c8_q9 fc10', 'conv3_c8_q9', 'unknown field "q9"'),
    ('in96x96x3 conv3_c1.5 fc10', 'conv3_c1.5', '1.5 is no channels'),
    ('in96x96x3 conv3_c70000 fc10', 'conv3_c70000', '70000 channels'),
    ('in96x96x3 x2 fc10', 'x2', 'there is none'),
    ('in96x96x3 conv3_c8 x900 fc10', 'x900', 'from 1 to 512'),
    ('in96x96x3 conv3_c8 fc0', 'fc0', '0 classes'),
    ('in0x96x3 conv3_c8 fc2', 'in0x96x3', '0 is no size'),
    ('96x96x3 conv3_c8 fc2', '96x96x3', 'begins with its input'),
    ('in4x4x3 conv5_c8_valid fc2', 'conv5_c8_valid', 'kernel 5 is larger than the map of 4x4'),
    ('in640 conv3_c8 fc2', 'conv3_c8', 'here is a vector'),
    ('in8x8x3 basic3_c3_valid fc2', 'basic3_c3_valid', 'nothing to add'),
    ('in96x96x3 conv3_s2_c8 ssd3_s4', 'ssd3_s4', '4 scales of maps that have 1'),
    ('in8x8x3 conv1_c8 yolo3_a0', 'yolo3_a0', 'no anchors'),
    ('in65535x65535x3 conv1_c65535 fc2', 'conv1_c65535', 'more than any chip holds'),
    ('in8x8x65535 conv9_c65535 fc2', 'conv9_c65535', 'weights in one layer'),
    ('in8x8x3 none', 'in8x8x3 none', 'neither blocks nor a head'),
  ],
)
def test_errors_quote_the_part(line, quoted, reason):
  with pytest.raises(SpecError) as caught:
    network_of(parse_spec(line))
  message = str(caught.value)
  assert message.startswith(f'"{quoted}": ') and reason in message
  assert '\n' not in message


@pytest.mark.parametrize(
  'line', ['', '   ', 'in' + '9' * 70000, 'in8x8x3 ' + 'conv1_c8 ' * 600 + 'fc2']
)
def test_other_lines_that_are_none(line):
  with pytest.raises(SpecError) as caught:
    parse_spec(line)
  assert len(str(caught.value)) < 200


@given(st.text(alphabet='in conv3x_s2c16fe.0-é\n', max_size=60))
def test_any_text_is_a_spec_or_an_error(text):
  try:
    network_of(load(text))
  except SpecError as error:
    assert '\n' not in str(error)


GOOD = {'schema_version': 1, 'input_shape': [8, 8, 3], 'blocks': [], 'head': {'kind': 'fc'}}


@pytest.mark.parametrize(
  ('changes', 'quoted'),
  [
    ({'extra': 1}, '"extra"'),
    ({'schema_version': 2}, '"schema_version"'),
    ({'input_shape': [8, 8]}, '"input_shape"'),
    ({'input_shape': [8, True, 3]}, '"input_shape"'),
    ({'blocks': {}}, '"blocks"'),
    ({'blocks': [{}]}, '"blocks[0]"'),
    ({'blocks': [{'kind': 'cnv'}]}, '"blocks[0]"'),
    ({'blocks': [{'kind': 'conv', 'kern': 3}]}, '"blocks[0]": unknown field "kern"'),
    ({'blocks': [{'kind': 'conv', 'kernel': 3}]}, '"blocks[0].kernel"'),
    ({'blocks': [{'kind': 'conv', 'channels': 1.5}]}, '"blocks[0].channels"'),
    ({'blocks': [{'kind': 'conv', 'activation': 'gelu'}]}, '"blocks[0].activation"'),
    ({'blocks': [{'kind': 'ir', 'expansion': 'x'}]}, '"blocks[0].expansion"'),
    ({'blocks': [{'kind': 'ir', 'expansion': float('nan')}]}, '"blocks[0].expansion"'),
    ({'blocks': [{'kind': 'ir', 'skip': 1}]}, '"blocks[0].skip"'),
    ({'head': None}, '"head"'),
  ],
)
def test_errors_of_json_quote_the_field(changes, quoted):
  with pytest.raises(SpecError, match='^' + quoted.replace('[', r'\[').replace(']', r'\]')):
    from_json({**GOOD, **changes})


def test_json_that_is_no_object():
  with pytest.raises(SpecError):
    from_json([])
