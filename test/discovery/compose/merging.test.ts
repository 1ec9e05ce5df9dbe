import { main, projectTests, services } from './projects.ts';

projectTests([
  [
    'extends in the same file',
    { [main]: services('  a:\n    extends: b\n  b:\n    image: x:1\n') },
    ['a.image x:1 compose.yaml:5', 'b.image x:1 compose.yaml:5'],
  ],
  [
    'extends another file, and that another',
    {
      [main]: services('  a:\n    extends: {service: b, file: d/o.yaml}\n'),
      'd/o.yaml': services('  b:\n    extends: {service: c, file: p.yaml}\n    build: ctx\n'),
      'd/p.yaml': services('  c: {pull_policy: build}\n'),
      'd/ctx/Dockerfile': 'FROM x:1\n',
    },
    ['a.build x:1 d/ctx/Dockerfile:1'],
  ],
  [
    'extends in a circle',
    { [main]: services('  a: {extends: b, image: x:1}\n  b:\n    extends: a\n') },
    ['a.image x:1 compose.yaml:2', 'b.image x:1 compose.yaml:2'].concat(
      '!compose compose.yaml:2',
      '!compose compose.yaml:4',
    ),
  ],
  [
    'extends what is not there',
    { [main]: services('  a: {image: x:1, extends: {service: b, file: no.yaml}}\n') },
    ['a.image x:1 compose.yaml:2', '!compose compose.yaml:2'],
  ],
  [
    'override',
    {
      [main]: services('  a: {image: x:1, build: {context: ., args: {V: 1}}}\n'),
      'compose.override.yaml': services('  a: {image: x:2, build: !reset }\n  b: {image: y:1}\n'),
    },
    ['a.image x:2 compose.override.yaml:2', 'b.image y:1 compose.override.yaml:3'],
  ],
  [
    'include',
    {
      [main]:
        'include:\n  - d/one.yaml\n  - {path: [d/two.yaml], project_directory: e, env_file: f/v}\n',
      'd/one.yaml': services('  a: {image: "x:$T"}\n'),
      'd/two.yaml': services('  b: {image: "y:$T", build: .}\n  c: {build: .}\n'),
      'd/.env': 'T=1\n',
      'f/v': 'T=2\n',
      'e/Dockerfile': 'FROM z:3\n',
    },
    [
      'a.image x:1 d/one.yaml:2',
      'b.image y:2 d/two.yaml:2',
      'b.build z:3 e/Dockerfile:1',
      'c.build z:3 e/Dockerfile:1',
    ],
  ],
  [
    'include in a circle, and what is not there',
    { [main]: 'include: [compose.yaml, no.yaml]\n' },
    ['!compose compose.yaml:1', '!compose compose.yaml:1'],
  ],
  [
    'included services: equal, changed by an override, and in conflict',
    {
      [main]: `include: [i.yaml]\n${services('  a: {image: x:1}\n  c: {image: x:2}\n')}`,
      'compose.override.yaml': services('  b: {image: x:3}\n'),
      'i.yaml': services('  a: {image: x:1}\n  b: {image: x:1}\n  c: {image: x:1}\n'),
    },
    ['a.image x:1 compose.yaml:3', 'b.image x:3 compose.override.yaml:2'].concat(
      'c.image x:2 compose.yaml:4',
      '!compose compose.yaml:4',
    ),
  ],
  [
    'tags of whole services, and a key without a value',
    {
      [main]: services('  a: {image: x}\n  b: {image: x, profiles: [p]}\n  c: {image: x:1}\n'),
      'compose.override.yaml': services(
        '  a: !reset null\n  b: !override {image: y}\n  c: {image: }\n',
      ),
    },
    ['b.image y:latest compose.override.yaml:3', 'c.image x:1 compose.yaml:4'],
  ],
]);
