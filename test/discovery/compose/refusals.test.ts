import type { Tree } from '../../support/tree.ts';
import { main, projectTests, services } from './projects.ts';

projectTests([
  [
    'dependencies that the project does not have',
    {
      [main]: services(
        '  a: {image: x, depends_on: [z]}\n  b: {image: x, depends_on: {y: {condition: service_started, required: false}}}\n  c: {image: x, depends_on: {d: {condition: service_started}}}\n  d: {image: x, profiles: [p]}\n  e: {image: x, network_mode: "service:no"}\n  f: {image: x, links: ["a:b"], volumes_from: ["container:k", "b:ro"]}\n',
      ),
    },
    ['a', 'b', 'c', 'd', 'e', 'f']
      .map((name, i) => `${name}.image x:latest compose.yaml:${i + 2}`)
      .concat('!compose compose.yaml:2', '!compose compose.yaml:4', '!compose compose.yaml:6'),
  ],
  [
    'a key that is given twice',
    { [main]: 'x-a: &a {image: x}\nservices:\n  a:\n    <<: *a\n    <<: *a\n' },
    ['!yaml compose.yaml:5'],
  ],
  ...(
    [
      ['an unknown key', '  a: {image: x, foo: 1}\n', 2],
      ['profiles that are no list', '  a: {image: x, profiles: p}\n', 2],
      ['a dependency without a condition', '  a: {image: x, depends_on: {a: {}}}\n', 2],
      ['an undefined network', '  a: {image: x, networks: [n]}\n', 2],
      ['an undefined secret', '  a: {image: x, secrets: [{source: n}]}\n', 2],
      ['a required variable in any key', '  a: {image: x, command: "${N:?no}"}\n', 2],
      ['a variable that does not end', '  a:\n    image: x\n    command: "${N"\n', 4],
      ['an unknown key of the file', '  a: {image: x}\nfoo: 1\n', 3],
      ['models', '  a: {image: x}\nmodels: {m: {model: ai/m}}\n', 3],
      ['a version that is a number', '  a: {image: x}\nversion: 3\n', 3],
    ] as const
  ).map(([name, text, line]): [string, Tree, readonly string[]] => [
    `refused: ${name}`,
    { [main]: services(text) },
    [
      `a.image x:latest compose.yaml:${text.includes('a:\n') ? 3 : 2}`,
      ...(name.includes('condition') ? [`!compose compose.yaml:2`] : []),
      `!${name.includes('required') ? 'variable' : 'compose'} compose.yaml:${line}`,
    ],
  ]),
  [
    'a circle of dependencies',
    { [main]: services('  a: {image: x, depends_on: [b]}\n  b: {image: y:1, links: [a]}\n') },
    ['a.image x:latest compose.yaml:2', 'b.image y:1 compose.yaml:3', '!compose compose.yaml:2'],
  ],
  [
    'names that are defined',
    {
      [main]: `${services('  a: {image: x:1, networks: {n: {}, default: {}}, secrets: [s]}\n')}networks: {n: {}}\nsecrets: {s: {file: f}}\n`,
    },
    ['a.image x:1 compose.yaml:2'],
  ],
  ['no mapping', { [main]: '- a\n' }, ['!compose compose.yaml:1']],
  ['no YAML', { [main]: 'a: b: c\n' }, ['!yaml compose.yaml:1']],
  ['nothing', { [main]: '' }, ['!compose compose.yaml:-']],
]);
