# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Every export format: its own metadata's rules, and a build from nothing but its file lists.

The vendors' tools are not here. Where a format is a script (CMake, make), it runs, with
stand-ins for the commands that the vendor's environment defines; where it is a description,
what it names is compiled as it says. The example must print what TFLM's interpreter gives.
"""

import configparser
import json
import os
import re
import shlex
import subprocess
import xml.etree.ElementTree as ElementTree

import pytest
from support import stateful_models
from support.firmware import (
  C11,
  CXX14,
  FAKE_TFLM,
  converted,
  image_model,
  need,
  printed_by_example,
  run,
)
from support.model_builder import ModelBuilder

from tflm_patch.export import FORMATS, ExportOptions, export

pytestmark = pytest.mark.slow

pytest.importorskip('tflite_micro', reason='the TFLM interpreter is not installed')
NAME = 'tiny_net'
FRAME = (1, 12, 10, 3)
VERSION = re.compile(r'\d+\.\d+\.\d+')
# What the vendors' commands do, as far as a build on the host needs it: print lists.
CMAKE_LISTS = """
function(idf_component_register)
  cmake_parse_arguments(A "" "" "SRCS;INCLUDE_DIRS;REQUIRES;PRIV_REQUIRES" ${ARGN})
  message("sources=${A_SRCS}")
  message("includes=${A_INCLUDE_DIRS}")
  message("requires=${A_PRIV_REQUIRES}")
endfunction()
function(zephyr_include_directories)
  message("includes=${ARGN}")
endfunction()
function(zephyr_library_named name)
  message("library=${name}")
endfunction()
function(zephyr_library_sources)
  message("sources=${ARGN}")
endfunction()
function(zephyr_library_compile_definitions)
  message("definitions=${ARGN}")
endfunction()
function(target_compile_options)
endfunction()
set(CONFIG_TINY_NET y)
"""
ARDUINO_H = """
#include <stdio.h>
#include <stdlib.h>
struct SerialPort {
  void begin(long) {}
  explicit operator bool() const { return true; }
  void print(const char* text) { printf("%s", text); }
  void print(int value) { printf("%d", value); }
  void print(double value, int) { printf("%.9g", value); }
};
static SerialPort Serial;
static inline void delay(int) { exit(0); }
"""


@pytest.fixture(scope='module')
def models(tmp_path_factory):
  """Paths of converted models and what their examples print."""
  folder = tmp_path_factory.mktemp('models')
  found = {}
  for name, data, shape in (
    ('whole', converted(), None),
    ('rows', converted(input_rows=2), FRAME),
    ('real', converted(image_model(float_output=True)), None),
  ):
    (folder / f'{name}.tflite').write_bytes(data)
    found[name] = folder / f'{name}.tflite', printed_by_example(data, shape)
  return found


def exported(model, form, folder, runtime='direct'):
  return export(model, folder, ExportOptions(form, NAME, runtime))


def build_and_run(folder, sources, includes, example, expected, tmp_path, extra=()):
  """Compiles what a description lists, with one example, and runs it."""
  need('gcc', 'g++')
  objects = []
  assert len(sources) == len(set(sources))
  for number, source in enumerate([*sources, example]):
    is_c = str(source).endswith('.c')
    objects.append(tmp_path / f'{number}.o')
    language = [] if not str(source).endswith('.ino') else ['-x', 'c++']
    run(
      'gcc' if is_c else 'g++',
      *(C11 if is_c else CXX14),
      '-O1',
      *extra,
      *(f'-I{folder / include}' for include in includes),
      *language,
      '-c',
      folder / source,
      '-o',
      objects[-1],
    )
  run('g++', *objects, *extra, '-o', tmp_path / 'example')
  assert run(tmp_path / 'example') == expected


def script_lists(folder):
  """What a component's CMakeLists.txt passes to the vendor's commands."""
  need('cmake')
  script = folder.parent / f'{folder.name}.cmake'
  script.write_text(f'{CMAKE_LISTS}\ninclude({folder}/CMakeLists.txt)\n')
  done = subprocess.run(['cmake', '-P', script], capture_output=True, text=True)
  assert done.returncode == 0, done.stderr
  return {
    key: value.split(';') for key, value in re.findall(r'^(\w+)=(.*)$', done.stderr, re.MULTILINE)
  }


def yaml(path):
  return pytest.importorskip('yaml').safe_load(path.read_text())


def c_sources(folder, under='src'):
  return [
    str(path.relative_to(folder))
    for path in sorted((folder / under).rglob('*'))
    if path.suffix in ('.c', '.cc', '.cpp')
  ]


@pytest.mark.parametrize('form', FORMATS)
def test_every_format_is_complete(form, models, tmp_path):
  result = exported(models['whole'][0], form, tmp_path / 'out', 'auto')
  written = {
    path.relative_to(tmp_path / 'out').as_posix()
    for path in (tmp_path / 'out').rglob('*')
    if path.is_file()
  }
  assert written == set(result.files)
  assert {'README.md', 'LICENSE', 'tflm_patch_export.json'} <= written
  # Arduino has no TFLM that would do: there the model runs without.
  with_tflm = form != 'arduino'
  assert any(name.endswith(f'{NAME}_resolver.h') for name in written) == with_tflm
  assert any(name.endswith(f'{NAME}_arena.h') for name in written) == with_tflm
  assert not any(name.endswith('pad.c') for name in written)
  for name in written:
    text = (tmp_path / 'out' / name).read_text()
    assert '@{' not in text and str(tmp_path) not in text, name


@pytest.mark.parametrize('form', FORMATS)
@pytest.mark.parametrize('age', ['old', 'new'])
def test_interpreter_code_of_every_format_compiles(form, age, models, tmp_path):
  """What only builds with TFLM have, against our declarations of its interface."""
  need('g++')
  exported(models['rows'][0], form, tmp_path / 'out', 'tflm')
  root = tmp_path / 'out'
  include = 'src' if form == 'arduino' else 'include'
  for name in (f'{NAME}_tflm.cc', 'kernels/stage_op.cc'):
    run(
      'g++',
      *CXX14,
      f'-I{FAKE_TFLM}/{age}',
      f'-I{root}/{include}',
      '-c',
      root / 'src' / name,
      '-o',
      tmp_path / 'o.o',
    )


@pytest.mark.parametrize('kind', ['whole', 'rows', 'real'])
def test_c_array(kind, models, tmp_path):
  path, expected = models[kind]
  exported(path, 'c-array', tmp_path / 'out', 'auto')
  root = tmp_path / 'out'
  sources = [name for name in c_sources(root) if not name.endswith(('_tflm.cc', 'stage_op.cc'))]
  build_and_run(
    root,
    sources,
    ['include'],
    'examples/run_once/main.c',
    expected,
    tmp_path,
    ['-fsanitize=address,undefined', '-fno-sanitize-recover=all'],
  )
  data = (root / f'src/{NAME}_data.c').read_text()
  values = [int(value) for value in re.findall(r'(\d+),', data.split('= {')[1])]
  assert bytes(values) == path.read_bytes()
  assert '_Alignas(16) const unsigned char' in data


@pytest.mark.parametrize('kind', ['whole', 'rows', 'real'])
def test_cmake(kind, models, tmp_path):
  need('cmake')
  path, expected = models[kind]
  exported(path, 'cmake', tmp_path / 'out', 'auto')
  run('cmake', '-S', tmp_path / 'out', '-B', tmp_path / 'build')
  run('cmake', '--build', tmp_path / 'build')
  assert run(tmp_path / f'build/{NAME}_example') == expected


def test_cmake_as_a_part_of_a_project_and_for_a_microcontroller(models, tmp_path):
  need('cmake', 'arm-none-eabi-gcc')
  exported(models['whole'][0], 'cmake', tmp_path / 'net', 'auto')
  (tmp_path / 'main.c').write_text(
    f'#include "{NAME}.h"\nint use(void) {{ return {NAME}_init(); }}\n'
  )
  (tmp_path / 'CMakeLists.txt').write_text(
    'cmake_minimum_required(VERSION 3.13)\nproject(app C)\nadd_subdirectory(net)\n'
    f'add_library(app STATIC main.c)\ntarget_link_libraries(app {NAME})\n'
    'target_compile_options(app PRIVATE -mcpu=cortex-m4 -mthumb)\n'
    f'target_compile_options({NAME} PRIVATE -mcpu=cortex-m4 -mthumb -Wall -Wextra -Werror)\n'
  )
  run(
    'cmake',
    '-S',
    tmp_path,
    '-B',
    tmp_path / 'build',
    '-DCMAKE_SYSTEM_NAME=Generic',
    '-DCMAKE_C_COMPILER=arm-none-eabi-gcc',
    '-DCMAKE_TRY_COMPILE_TARGET_TYPE=STATIC_LIBRARY',
  )
  run('cmake', '--build', tmp_path / 'build')
  assert not (tmp_path / f'build/net/{NAME}_example').exists()


@pytest.mark.parametrize('form', ['cmake', 'make'])
@pytest.mark.parametrize('age', ['old', 'new'])
def test_builds_with_a_tflm_tree(form, age, models, tmp_path):
  """The library is built; there is no TFLM here to link the example with."""
  need('cmake', 'make', 'g++')
  exported(models['rows'][0], form, tmp_path / 'out', 'auto')
  tree = FAKE_TFLM / age
  if form == 'cmake':
    run(
      'cmake',
      '-S',
      tmp_path / 'out',
      '-B',
      tmp_path / 'build',
      f'-DTFLM_ROOT={tree}',
      f'-D{NAME.upper()}_BUILD_EXAMPLE=OFF',
    )
    run('cmake', '--build', tmp_path / 'build')
  else:
    run(
      'make', '-C', tmp_path / 'out', f'BUILD_DIR={tmp_path}/build', f'TFLM_ROOT={tree}', 'library'
    )
  symbols = run('nm', '-C', tmp_path / f'build/lib{NAME}.a')
  assert 'tflm_patch::StageRegistration()' in symbols and 'MicroInterpreter' in symbols
  assert re.search(rf' T {NAME}_invoke\n', symbols)


@pytest.mark.parametrize('form', ['cmake', 'make'])
def test_builds_that_need_tflm_say_so(form, models, tmp_path):
  need('cmake', 'make')
  exported(models['whole'][0], form, tmp_path / 'out', 'tflm')
  command = ['make', '-C'] if form == 'make' else ['cmake', '-B', tmp_path / 'build', '-S']
  with pytest.raises(AssertionError, match='set TFLM_ROOT'):
    run(*command, tmp_path / 'out')


@pytest.mark.parametrize('kind', ['whole', 'rows', 'real'])
def test_make(kind, models, tmp_path):
  need('make', 'gcc')
  path, expected = models[kind]
  exported(path, 'make', tmp_path / 'out', 'auto')
  run('make', '-C', tmp_path / 'out')
  assert run(tmp_path / f'out/build/{NAME}_example') == expected


def test_make_for_a_microcontroller(models, tmp_path):
  need('make', 'arm-none-eabi-gcc')
  exported(models['rows'][0], 'make', tmp_path / 'out', 'auto')
  run(
    'make',
    '-C',
    tmp_path / 'out',
    'CROSS=arm-none-eabi-',
    'CPU=-mcpu=cortex-m4 -mthumb',
    'LDFLAGS=--specs=nosys.specs -Wl,--no-warn-rwx-segments -Wl,--gc-sections',
    'CFLAGS=-Wall -Wextra -Werror',
  )
  assert 'ARM' in run('arm-none-eabi-readelf', '-h', tmp_path / f'out/build/{NAME}_example')


def test_esp_idf(models, tmp_path):
  path, expected = models['rows']
  root = tmp_path / NAME
  exported(path, 'esp-idf', root)
  manifest = yaml(root / 'idf_component.yml')
  assert VERSION.fullmatch(manifest['version']) and manifest['license'] == 'Apache-2.0'
  assert manifest['dependencies'] == {'idf': '>=5.1'} and manifest['description']
  lists = script_lists(root)
  assert sorted(lists['sources']) == c_sources(root)
  main = root / 'examples/run_once/main'
  dependency = yaml(main / 'idf_component.yml')['dependencies'][NAME]
  assert (main / dependency['path']).resolve() == root
  assert 'project.cmake' in (main.parent / 'CMakeLists.txt').read_text()
  assert script_lists(main)['sources'] == ['app_main.c']
  # ESP-IDF's start code calls app_main().
  start = tmp_path / 'start.c'
  start.write_text('void app_main(void);\nint main(void) { app_main(); return 0; }\n')
  build_and_run(
    root, [*lists['sources'], start], lists['includes'], main / 'app_main.c', expected, tmp_path
  )


def test_esp_idf_with_tflm(models, tmp_path):
  root = tmp_path / NAME
  exported(models['whole'][0], 'esp-idf', root, 'auto')
  assert 'espressif/esp-tflite-micro' in yaml(root / 'idf_component.yml')['dependencies']
  lists = script_lists(root)
  assert sorted(lists['sources']) == c_sources(root) and f'src/{NAME}_tflm.cc' in lists['sources']
  assert lists['requires'] == ['esp-tflite-micro']


@pytest.mark.parametrize('kind', ['rows', 'real'])
def test_arduino(kind, models, tmp_path):
  path, expected = models[kind]
  root = tmp_path / NAME
  exported(path, 'arduino', root)
  parser = configparser.ConfigParser()
  parser.read_string('[library]\n' + (root / 'library.properties').read_text())
  found = dict(parser['library'])
  assert set(found) == {
    'name',
    'version',
    'author',
    'maintainer',
    'sentence',
    'paragraph',
    'category',
    'url',
    'architectures',
    'includes',
  }
  assert re.fullmatch(r'[A-Za-z0-9][\w .-]{0,62}', found['name'])
  assert VERSION.fullmatch(found['version']) and found['category'] == 'Data Processing'
  assert (root / 'src' / found['includes']).is_file()
  # A sketch lies in a folder of its name; a library of this layout has no utility folder.
  assert [str(path.relative_to(root)) for path in root.rglob('*.ino')] == [
    'examples/RunOnce/RunOnce.ino'
  ]
  assert not (root / 'utility').exists()
  # The IDE adds Arduino.h and calls setup() and loop(); all of src/ is compiled, only src/ is
  # on the include path.
  (tmp_path / 'arduino').mkdir()
  (tmp_path / 'arduino/Arduino.h').write_text(ARDUINO_H)
  sketch = tmp_path / 'sketch.ino'
  sketch.write_text(
    '#include <Arduino.h>\n'
    + (root / 'examples/RunOnce/RunOnce.ino').read_text()
    + '\nint main() { setup(); loop(); }\n'
  )
  build_and_run(root, c_sources(root), ['src', tmp_path / 'arduino'], sketch, expected, tmp_path)


def test_zephyr(models, tmp_path):
  path, expected = models['rows']
  root = tmp_path / NAME
  exported(path, 'zephyr', root)
  module = yaml(root / 'zephyr/module.yml')
  assert module['name'] == NAME
  assert (root / module['build']['cmake'] / 'CMakeLists.txt').is_file()
  kconfig = (root / module['build']['kconfig']).read_text()
  assert re.search(r'^config TINY_NET\n\tbool "[^"]+"\n\thelp\n\t  \S', kconfig, re.MULTILINE)
  lists = script_lists(root)
  assert sorted(lists['sources']) == c_sources(root) and lists['library'] == [NAME]
  sample = root / module['samples'][0] / 'run_once'
  configuration = (sample / 'prj.conf').read_text()
  assert 'CONFIG_TINY_NET=y' in configuration and 'MICRO' not in configuration
  tests = yaml(sample / 'sample.yaml')
  assert set(tests) == {'sample', 'tests'} and tests['sample']['name']
  for entry in tests['tests'].values():
    assert all(re.search(line, expected) for line in entry['harness_config']['regex'])
  assert 'find_package(Zephyr' in (sample / 'CMakeLists.txt').read_text()
  build_and_run(
    root, lists['sources'], lists['includes'], sample / 'src/main.c', expected, tmp_path
  )


def test_zephyr_with_tflm(models, tmp_path):
  root = tmp_path / NAME
  exported(models['whole'][0], 'zephyr', root, 'auto')
  assert '\tdepends on TENSORFLOW_LITE_MICRO\n' in (root / 'Kconfig').read_text()
  configuration = (root / 'samples/run_once/prj.conf').read_text()
  assert 'CONFIG_TENSORFLOW_LITE_MICRO=y' in configuration and 'CONFIG_CPP=y' in configuration
  lists = script_lists(root)
  assert sorted(lists['sources']) == c_sources(root)
  # Zephyr's TFLM has none of its own: another layout of structures would be a HardFault.
  assert 'definitions' not in lists
  assert not any(
    'DTF_LITE_STATIC_MEMORY' in path.read_text() or '(TF_LITE_STATIC' in path.read_text()
    for path in root.rglob('*')
    if path.name in ('CMakeLists.txt', 'prj.conf', 'Kconfig')
  )
  text = (root / 'README.md').read_text()
  assert 'west config manifest.project-filter -- +tflite-micro' in text
  assert text.index('west update') < text.index('west build')


def test_platformio(models, tmp_path):
  path, expected = models['rows']
  root = tmp_path / NAME
  exported(path, 'platformio', root)
  library = json.loads((root / 'library.json').read_text())
  assert library['name'] == NAME and VERSION.fullmatch(library['version'])
  assert library['license'] == 'Apache-2.0' and library['description']
  assert isinstance(library['keywords'], list)
  build = library['build']
  assert (root / build['includeDir'] / library['headers']).is_file()
  (example,) = library['examples']
  assert all((root / example['base'] / name).is_file() for name in example['files'])
  parser = configparser.ConfigParser()
  parser.read(root / example['base'] / 'platformio.ini')
  assert (root / example['base'] / parser['env']['lib_extra_dirs']).resolve() == tmp_path
  assert parser['env']['lib_deps'].split() == [NAME]
  assert 'flags' not in build
  build_and_run(
    root,
    c_sources(root, build['srcDir']),
    [build['includeDir']],
    f'{example["base"]}/src/main.c',
    expected,
    tmp_path,
  )


def test_platformio_with_tflm(models, tmp_path):
  root = tmp_path / NAME
  exported(models['whole'][0], 'platformio', root, 'auto')
  parser = configparser.ConfigParser()
  parser.read(root / 'examples/run_once/platformio.ini')
  name, library = parser['env']['lib_deps'].split()
  assert name == NAME and library.endswith('.git') and library in (root / 'README.md').read_text()
  # In the project, not in the library: TFLM must be compiled with it, too.
  assert '-DTF_LITE_STATIC_MEMORY' in parser['env']['build_flags']
  assert 'flags' not in json.loads((root / 'library.json').read_text())['build']


def test_arduino_runs_without_tflm_unless_asked(models, tmp_path):
  for runtime, with_tflm in (('auto', False), ('tflm', True)):
    root = tmp_path / runtime
    result = exported(models['whole'][0], 'arduino', root, runtime)
    assert result.runtimes == (('tflm',) if with_tflm else ('direct',))
    assert ('ESP32' in (root / 'README.md').read_text()) == with_tflm
    assert 'depends' not in (root / 'library.properties').read_text()


def test_arduino_takes_tflm_for_what_is_more_than_a_stage(tmp_path):
  path = tmp_path / 'model.tflite'
  path.write_bytes(converted(stateful_models.streaming()))
  assert exported(path, 'arduino', tmp_path / 'out', 'auto').runtimes == ('tflm',)


@pytest.mark.parametrize('runtime', ['direct', 'tflm'])
def test_cmsis_pack(runtime, models, tmp_path):
  path, expected = models['rows']
  root = tmp_path / NAME
  exported(path, 'cmsis-pack', root, runtime)
  (description,) = root.glob('*.pdsc')
  package = ElementTree.parse(description).getroot()
  assert package.tag == 'package' and package.get('schemaVersion')
  # The elements that the schema requires, in its order; the file is named after two of them.
  order = [child.tag for child in package]
  known = [
    'vendor',
    'name',
    'description',
    'url',
    'license',
    'releases',
    'requirements',
    'conditions',
    'components',
  ]
  assert order == [tag for tag in known if tag in order]
  assert set(known) - {'conditions'} <= set(order)
  vendor, name = package.findtext('vendor'), package.findtext('name')
  assert description.name == f'{vendor}.{name}.pdsc' and name == NAME
  assert (root / package.findtext('license')).is_file()
  release = package.find('releases/release')
  assert VERSION.fullmatch(release.get('version'))
  assert re.fullmatch(r'\d{4}-\d\d-\d\d', release.get('date')) and release.text
  (component,) = package.findall('components/component')
  assert component.get('Cclass') and component.get('Cgroup') and component.findtext('description')
  assert component.get('Cversion') == release.get('version')
  assert re.fullmatch(r'https://\S+/', package.findtext('url'))
  needed = package.findall('requirements/packages/package')
  packs = [(entry.get('vendor'), entry.get('name')) for entry in needed]
  assert packs == ([('tensorflow', 'tensorflow-lite-micro')] if runtime == 'tflm' else [])
  text = (root / 'README.md').read_text()
  assert ('tensorflow::tensorflow-lite-micro' in text) == (runtime == 'tflm')
  assert 'tensorflow::tflite-micro' not in text
  conditions = {entry.get('id'): entry for entry in package.findall('conditions/condition')}
  assert component.get('condition') == ('TFLM' if runtime == 'tflm' else None)
  assert (runtime == 'tflm') == bool(conditions)
  files = component.findall('files/file')
  assert all((root / file.get('name')).exists() for file in files)
  includes = [file.get('name') for file in files if file.get('category') == 'include']
  assert includes and all(include.endswith('/') for include in includes)
  sources = [
    file.get('name')
    for file in files
    if file.get('category') in ('sourceC', 'sourceCpp') and file.get('attr') is None
  ]
  assert sorted(sources) == c_sources(root)
  (template,) = [file for file in files if file.get('attr') == 'template']
  assert template.get('select')
  if runtime == 'direct':
    build_and_run(root, sources, includes, template.get('name'), expected, tmp_path)


def test_pico_sdk(models, tmp_path):
  """Built by CMake with an SDK that has the commands and the library the project uses."""
  need('cmake', 'gcc', 'g++')
  path, expected = models['rows']
  root = tmp_path / NAME
  exported(path, 'pico-sdk', root)
  sdk = tmp_path / 'sdk'
  (sdk / 'external').mkdir(parents=True)
  (sdk / 'pico').mkdir()
  (sdk / 'pico/stdlib.h').write_text(
    '#include <stdlib.h>\nstatic inline void stdio_init_all(void) {}\n'
    'static inline void sleep_ms(int ms) { exit(ms < 0); }\n'
  )
  (sdk / 'external/pico_sdk_import.cmake').write_text(
    'macro(pico_sdk_init)\n  add_library(pico_stdlib INTERFACE)\n'
    f'  target_include_directories(pico_stdlib INTERFACE {sdk})\nendmacro()\n'
    'function(pico_enable_stdio_usb target on)\nendfunction()\n'
    'function(pico_enable_stdio_uart target on)\nendfunction()\n'
    'function(pico_add_extra_outputs target)\nendfunction()\n'
  )
  environment = {**os.environ, 'PICO_SDK_PATH': str(sdk)}
  run('cmake', '-S', root, '-B', tmp_path / 'build', env=environment)
  run('cmake', '--build', tmp_path / 'build', env=environment)
  assert run(tmp_path / f'build/{NAME}_run_once') == expected
  text = (root / 'CMakeLists.txt').read_text()
  assert all(name in text for name in c_sources(root))


def test_pico_sdk_with_tflm(models, tmp_path):
  exported(models['whole'][0], 'pico-sdk', tmp_path / NAME, 'auto')
  text = (tmp_path / NAME / 'CMakeLists.txt').read_text()
  assert 'target_link_libraries(tiny_net PUBLIC pico-tflmicro)' in text
  assert f'src/{NAME}_tflm.cc' in text and f'{NAME}_direct.c' not in text


def two_inputs():
  b = ModelBuilder(7)
  x, y = b.input((1, 6, 6, 4)), b.input((1, 6, 6, 4))
  z = b.conv(b.add(x, y), 4, 3)
  b.output(b.max_pool(z, 2), b.mean(z))
  return b.build()


def test_several_inputs_and_outputs(tmp_path):
  need('make', 'gcc')
  data = converted(two_inputs())
  (tmp_path / 'model.tflite').write_bytes(data)
  result = exported(tmp_path / 'model.tflite', 'make', tmp_path / 'out', 'auto')
  if 'direct' not in result.runtimes:
    pytest.fail('the model should be one stage')
  run('make', '-C', tmp_path / 'out')
  assert run(tmp_path / f'out/build/{NAME}_example') == printed_by_example(data)


def test_readmes_name_what_is_there(models, tmp_path):
  for form in FORMATS:
    folder = tmp_path / form / NAME
    exported(models['whole'][0], form, folder, 'auto')
    text = (folder / 'README.md').read_text()
    for name in re.findall(r'\x60((?:src|examples|include)/[\w./]+)\x60', text):
      assert (folder / name).exists(), (form, name)
    for line in re.findall(r'^(?:cmake|make|west|cd|idf.py) .*$', text, re.MULTILINE):
      assert shlex.split(line)
