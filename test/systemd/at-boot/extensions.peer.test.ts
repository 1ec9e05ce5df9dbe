import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { openRoot } from '../../../src/root/open-root.ts';
import { readExtensions } from '../../../src/systemd/at-boot/extensions.ts';
import { holds } from '../../support/property.ts';
import { temporaryDirectory } from '../../support/temporary.ts';
import { type Tree, writeTree } from '../../support/tree.ts';
import { trixieSystemd } from '../../support/trixie.ts';

const architecture = process.arch === 'arm64' ? 'arm64' : 'x86-64';

const osRelease = fc.record({
  ID: fc.constantFrom('acme', 'acme', 'acme', 'debian'),
  VERSION_ID: fc.constantFrom(undefined, '1', '1', '2'),
  SYSEXT_LEVEL: fc.constantFrom(undefined, undefined, '1', '2'),
});

const release = fc.record({
  ID: fc.constantFrom('acme', 'acme', 'acme', 'debian', '_any', '"acme"', undefined),
  VERSION_ID: fc.constantFrom(undefined, '1', '1', '2'),
  SYSEXT_LEVEL: fc.constantFrom(undefined, undefined, '1', '2'),
  ARCHITECTURE: fc.constantFrom(undefined, undefined, architecture, '_any', 's390x'),
  SYSEXT_SCOPE: fc.constantFrom(undefined, undefined, 'system', 'portable', 'initrd system'),
});

const places = ['etc', 'var/lib', 'usr/local/lib', 'usr/lib'] as const;

const extension = fc.record({
  place: fc.constantFrom(...places),
  name: fc.constantFrom('a', 'b', 'b-2', 'c'),
  release: fc.option(release, { freq: 8, nil: undefined }),
});

const textOf = (fields: Readonly<Record<string, string | undefined>>) =>
  Object.entries(fields)
    .flatMap(([key, value]) => (value === undefined ? [] : [`${key}=${value}\n`]))
    .join('');

const tree: fc.Arbitrary<Tree> = fc
  .record({ osRelease, extensions: fc.array(extension, { minLength: 1, maxLength: 4 }) })
  .map(({ osRelease: host, extensions }) => ({
    '/usr/lib/os-release': textOf(host),
    ...Object.fromEntries(
      extensions.flatMap(({ place, name, release: fields }) => {
        const path = `/${place}/extensions/${name}`;
        const at = `${path}/usr/lib/extension-release.d/extension-release.${name}`;
        const file = [`${path}/usr/share/${name}`, ''] as const;
        return fields === undefined ? [file] : [file, [at, textOf(fields)] as const];
      }),
    ),
  }));

test('the system extensions are those that systemd-sysext lays over the root', async (t) => {
  const directory = join(temporaryDirectory(t), 'root');
  await holds(
    60,
    fc.asyncProperty(tree, async (files) => {
      rmSync(directory, { recursive: true, force: true });
      writeTree(directory, files);
      const root = openRoot(directory);
      const { system } = readExtensions(root, '/etc', architecture);
      root.close();
      const names = system.map((path) => path.slice(path.lastIndexOf('/') + 1)).sort();
      assert.deepEqual(names, merged(directory));
    }),
  );
});

function merged(directory: string): readonly string[] {
  const options = [`--root=${directory}`, '--no-reload', 'merge'];
  const text = trixieSystemd('bin/systemd-sysext', options, { tree: directory });
  const [, names = ''] = /^Using extensions (.*)\.$/m.exec(text) ?? [];
  return Array.from(names.matchAll(/'([^']*)'/g), ([, name = '']) => name).sort();
}
