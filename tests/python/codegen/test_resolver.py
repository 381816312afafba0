# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The generated resolver, compiled against both ages of TFLM's names, and run."""

import re

import pytest
from support.firmware import CXX14, FAKE_TFLM, converted, need, run
from support.model_builder import ModelBuilder

from tflm_patch.codegen import resolver
from tflm_patch.codegen.model import describe
from tflm_patch.codegen.names import Names, check_name
from tflm_patch.errors import ModelError, TflmPatchError
from tflm_patch.graph.reader import parse_model
from tflm_patch.graph.types import DType, Operator, Tensor
from tflm_patch.graph.writer import serialize_model
from tflm_patch.program.records import HEADER
from tflm_patch.runtime.paths import include_dirs

NAMES = Names('my_net', 'my_net.tflite', '1.0')
# Registers, tries once more, prints how many there are and both results; then with
# a resolver that is one too small.
APPLICATION = """
#include <stdio.h>
#include "my_net_resolver.h"
#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"
#include "tflm_compat.h"
namespace tflm = tflm_patch::tflm;
namespace tflm_patch {
const TFLMRegistration* StageRegistration() { return nullptr; }
}
namespace my_net {
@{defined}
}
int main() {
  tflm::MicroMutableOpResolver<my_net::kNumberOperators> fitting;
  tflm::MicroMutableOpResolver<my_net::kNumberOperators - 1> small;
  const tflm::Status first = my_net::RegisterOperators(fitting);
  const tflm::Status again = my_net::RegisterOperators(fitting);
  const tflm::Status refused = my_net::RegisterOperators(small);
  printf("%u %d %d %d\\n", fitting.Size(), first, again, refused);
}
"""

MAPS = HEADER.offset('maps')


def with_operators(*operators):
  """A converted model with operators behind its end, as pairs of opcode and custom name."""
  model = parse_model(converted())
  main = model.main
  for opcode, custom in operators:
    main.tensors.append(Tensor(f'made by {opcode}', (1, 4), DType.INT8))
    made = (len(main.tensors) - 1,)
    main.operators.append(Operator(opcode, main.outputs, made, custom_name=custom))
  return describe(serialize_model(model), 'net.tflite')


@pytest.mark.parametrize('age', ['old', 'new'])
def test_registers_what_the_model_needs(age, tmp_path):
  need('g++')
  info = with_operators(
    ('RESHAPE', None),
    ('LOGISTIC', None),
    ('RESHAPE', None),
    ('CUSTOM', 'my "op"?'),
    ('CUSTOM', 'SignalPCAN'),
  )
  assert resolver.unresolved(info.operators) == ['my "op"?']
  (tmp_path / 'my_net_resolver.h').write_text(resolver.resolver_header(info, NAMES))
  (tmp_path / 'main.cc').write_text(
    APPLICATION.replace(
      '@{defined}', 'const TFLMRegistration* MyOpRegistration() { return nullptr; }'
    )
  )
  binary = tmp_path / 'main'
  includes = [f'-I{folder}' for folder in (*include_dirs(), include_dirs()[0].parent / 'tflm')]
  run(
    'g++',
    *CXX14,
    f'-I{FAKE_TFLM}/{age}',
    f'-I{tmp_path}',
    *includes,
    tmp_path / 'main.cc',
    '-o',
    binary,
  )
  assert run(binary) == '5 0 1 1\n'


def test_methods_are_those_of_tflm():
  text = (FAKE_TFLM / 'common/fake_operators.inc').read_text()
  there = set(re.findall(r'^FAKE_OPERATOR\((\w+)\)', text, re.MULTILINE))
  ours = {*resolver._METHODS.values(), *resolver._CUSTOM_METHODS.values()}
  assert ours == there


def test_operator_that_tflm_lacks():
  with pytest.raises(TflmPatchError, match=r'net\.tflite: TFLM has no operator HASHTABLE'):
    resolver.resolver_header(with_operators(('HASHTABLE', None)), NAMES)


def test_status_must_be_checked(tmp_path):
  need('g++')
  (tmp_path / 'my_net_resolver.h').write_text(resolver.resolver_header(with_operators(), NAMES))
  source = tmp_path / 'main.cc'
  source.write_text(
    '#include "my_net_resolver.h"\n#include "tensorflow/lite/micro/micro_interpreter.h"\n'
    'void f(tflite::MicroMutableOpResolver<1>& r) { my_net::RegisterOperators(r); }\n'
  )
  with pytest.raises(AssertionError, match='unused-result'):
    run(
      'g++',
      *CXX14,
      f'-I{FAKE_TFLM}/old',
      f'-I{tmp_path}',
      f'-I{include_dirs()[0]}',
      '-c',
      source,
      '-o',
      tmp_path / 'main.o',
    )


def test_model_without_a_stage():
  b = ModelBuilder(1)
  b.output(b.relu(b.input((1, 4, 4, 2))))
  with pytest.raises(ModelError, match='convert'):
    describe(b.build(), 'plain.tflite')


@pytest.mark.parametrize(
  ('offset', 'value', 'text'),
  [(0, 0, 'damaged'), (4, 9, 'format version 9'), (8, 1, 'damaged'), (MAPS, 255, 'damaged')],
)
def test_damaged_program(offset, value, text):
  model = parse_model(converted())
  tensor = model.main.tensors[model.main.operators[0].inputs[-2]]
  tensor.data = tensor.data.copy()
  tensor.data[offset] = value
  if offset == MAPS:
    tensor.data[offset : offset + 4] = 255
  with pytest.raises(ModelError, match=text):
    describe(serialize_model(model), 'net.tflite')


def test_kind_of_the_future():
  model = parse_model(converted())
  tensor = model.main.tensors[model.main.operators[0].inputs[-2]]
  tensor.data = tensor.data.copy()
  ops = HEADER.unpack(tensor.data.tobytes())['ops']
  tensor.data[ops] = 200
  with pytest.raises(ModelError, match='kind 200'):
    describe(serialize_model(model), 'net.tflite')


@pytest.mark.parametrize('name', ['model', 'vww_96', 'a'])
def test_names(name):
  assert check_name(name) == name


@pytest.mark.parametrize(
  'name', ['', 'Model', '1a', 'a-b', 'int', 'tflm_patch_x', 'a__b', 'x' * 41]
)
def test_bad_names(name):
  with pytest.raises(TflmPatchError):
    check_name(name)
