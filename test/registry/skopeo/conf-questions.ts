import fc from 'fast-check';
import type { Question } from './compare.ts';
import { common } from './endpoint-server.ts';
import { HOME } from './world.ts';

const LOCATIONS = [
  'a.example.com',
  'a.example.com/team',
  'b.sub.example.com',
  'docker.io',
  'docker.io/library',
  'mirror.example:5000',
  'mirror.example:5000/deep/er',
  'tls-mirror.example/m',
  'plain.example:5000',
  'plain.example:5000/x',
  'nobody.example:5000',
  'private.example:5443',
];

/** registries.conf in all its files, and registries that fail. */
export const confQuestions: fc.Arbitrary<Question> = fc
  .record({
    name: fc.constantFrom(
      'a.example.com/team/app:1',
      `a.example.com/team/app@${common.top.digest}`,
      'b.sub.example.com/app:1',
      `b.sub.example.com/app@${common.top.digest}`,
      'docker.io/library/app:1',
      `docker.io/library/app@${common.top.digest}`,
      'plain.example:5000/x/app:1',
      'nowhere.example/app:1',
    ),
    files: fc.dictionary(
      fc.constantFrom(
        '/etc/containers/registries.conf',
        '/etc/containers/registries.conf.d/10-a.conf',
        '/etc/containers/registries.conf.d/9-b.conf',
        '/etc/containers/registries.conf.d/other.toml',
        `${HOME}/.config/containers/registries.conf`,
        `${HOME}/.config/containers/registries.conf.d/1.conf`,
        '/etc/own.conf',
      ),
      fc.array(table(), { maxLength: 4 }).map((tables) => tables.join('\n')),
      { maxKeys: 3 },
    ),
    isExplicit: fc.boolean(),
    isCopied: fc.boolean(),
    behaviours: fc.dictionary(
      fc.constantFrom('mirror.example', 'tls-mirror.example', 'plain.example', 'a.example.com'),
      fc.record(
        {
          status: fc.constantFrom(401, 403, 404, 429, 500, 503),
          manifests: fc.constantFrom(401, 403, 404, 429, 500),
        },
        { requiredKeys: [] },
      ),
      { maxKeys: 3 },
    ),
  })
  .map(({ isExplicit, isCopied, files, ...others }) => ({
    ...others,
    files,
    isCopied: isCopied && others.name.includes('@'),
    environment:
      isExplicit && '/etc/own.conf' in files ? { CONTAINERS_REGISTRIES_CONF: '/etc/own.conf' } : {},
  }));

function table(): fc.Arbitrary<string> {
  const often = (value: boolean, weight: number) =>
    fc.oneof(
      { weight, arbitrary: fc.constant(undefined) },
      { weight: 1, arbitrary: fc.constant(value) },
    );
  const location = fc.oneof(
    { weight: 20, arbitrary: fc.constantFrom(...LOCATIONS) },
    {
      weight: 1,
      arbitrary: fc.constantFrom('', 'mirror.example:5000/', 'nodots', 'https://a.example.com'),
    },
  );
  return fc
    .record({
      prefix: fc.oneof(
        fc.constant(undefined),
        fc.constantFrom(...LOCATIONS),
        fc.constantFrom(
          '*.example.com',
          '*.sub.example.com',
          '*.com',
          '*.io',
          'a.example.com/team/app',
          'a.example.com/team/app:1',
          '*.example.com/x',
          'a.example.com/',
        ),
      ),
      location: fc.oneof(
        { weight: 8, arbitrary: location },
        { weight: 1, arbitrary: fc.constant(undefined) },
      ),
      insecure: often(true, 1),
      blocked: often(true, 5),
      byDigest: often(true, 5),
      mirrors: fc.array(
        fc.record({
          location,
          insecure: often(true, 1),
          use: fc.oneof(
            { weight: 4, arbitrary: fc.constant(undefined) },
            { weight: 4, arbitrary: fc.constantFrom('all', 'digest-only', 'tag-only') },
            { weight: 1, arbitrary: fc.constantFrom('', 'never') },
          ),
        }),
        { maxLength: 3 },
      ),
    })
    .map(({ mirrors, byDigest, prefix, location: at, insecure, blocked }) =>
      [
        '[[registry]]',
        ...keys({ prefix, location: at, insecure, blocked, 'mirror-by-digest-only': byDigest }),
        ...mirrors.flatMap(({ use, ...mirror }) => [
          '[[registry.mirror]]',
          ...keys({ ...mirror, 'pull-from-mirror': use }),
        ]),
      ].join('\n'),
    );
}

function keys(values: Readonly<Record<string, string | boolean | undefined>>): readonly string[] {
  return Object.entries(values).flatMap(([key, value]) =>
    value === undefined ? [] : [`${key} = ${JSON.stringify(value)}`],
  );
}
