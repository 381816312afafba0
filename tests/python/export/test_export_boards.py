# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Exports for boards: each vendor's own metadata, and a build from nothing but its file lists.

The vendors' tools are not here. Where a format is a script, it runs with stand-ins for the commands
that the vendor's environment defines; where it is a description, what it names is compiled.
"""

import configparser
import json
import os
import re
import xml.etree.ElementTree as ElementTree

import pytest
from export_builds import (
  ARDUINO_H,
  NAME,
  VERSION,
  build_and_run,
  c_sources,
  exported,
  script_lists,
  yaml,
)
from support import stateful_models
from support.firmware import converted, need, run

pytestmark = pytest.mark.slow

pytest.importorskip('tflite_micro', reason='the TFLM interpreter is not installed')


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
