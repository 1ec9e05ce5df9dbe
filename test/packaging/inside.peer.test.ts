import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { test } from 'node:test';
import { version } from '../../src/common/version.ts';
import { executable } from '../support/installed.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { copyCheckout } from './copied-checkout.ts';

const home = resolve(import.meta.dirname, '../..');
const manifest = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8')) as {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly optionalDependencies: Readonly<Record<string, string>>;
};

/** Whose code is in the executable, as their licences or sources name them. */
const holders = [
  'TJ Holowaychuk',
  'Fabian Hiller',
  'Eemeli Aro',
  'Squirrel Chat et al.',
  'Buf Technologies, Inc.',
  'Copyright 2008 Google Inc.',
  'The Connect Authors',
  'Evan Wallace',
  'The containerd Authors',
  'The Kubernetes Authors',
  'Node.js contributors',
  'the V8 project authors',
  'OpenSSL, located at deps',
  '(googleapis)',
];

/** What joins the executable is not in it; of esbuild, the functions that join modules are. */
const { postject: _, ...inside } = manifest.dependencies;

test('the notices name everybody whose code is in the executable, and have every licence', () => {
  const notices = readFileSync(join(dirname(executable()), 'NOTICES'), 'utf8');
  for (const holder of holders) assert.ok(notices.includes(holder), holder);
  for (const [name, pinned] of Object.entries(inside)) {
    assert.ok(notices.includes(`\n${name} ${pinned}: `), name);
  }
  assert.match(notices, /^ +END OF TERMS AND CONDITIONS$/m);
  assert.doesNotMatch(notices, /^fast-check|^typescript/m);
});

interface Sbom {
  readonly documentDescribes: readonly string[];
  readonly packages: readonly {
    readonly SPDXID: string;
    readonly name: string;
    readonly versionInfo: string;
    readonly checksums?: readonly unknown[];
  }[];
  readonly relationships: readonly {
    readonly spdxElementId: string;
    readonly relatedSpdxElement: string;
  }[];
}

test('the list of what is inside has the packages of the executable and no tool', () => {
  const file = join(dirname(executable()), 'berth.spdx.json');
  const { packages, relationships, documentDescribes } = JSON.parse(
    readFileSync(file, 'utf8'),
  ) as Sbom;
  const node = `node-linux-${process.arch}`;
  const expected = {
    ...inside,
    berth: version,
    [node]: manifest.optionalDependencies[node],
  };
  const listed = packages.map(({ name, versionInfo }) => [name, versionInfo] as const);
  assert.deepEqual(Object.fromEntries(listed), expected);
  assert.equal(listed.length, Object.keys(expected).length);
  for (const { name, checksums } of packages) assert.ok(name === 'berth' || checksums, name);
  const ids = new Set(['SPDXRef-DOCUMENT', ...packages.map(({ SPDXID }) => SPDXID)]);
  const named = relationships.flatMap((one) => [one.spdxElementId, one.relatedSpdxElement]);
  assert.deepEqual([...ids].sort(), [...new Set([...named, ...documentDescribes])].sort());
});

test('what has no licence is not built', (t) => {
  const checkout = copyCheckout(temporaryDirectory(t));
  rmSync(join(checkout, 'node_modules/commander/LICENSE'));
  const words = ['scripts/notices.mjs', 'NOTICES'];
  const { status, stderr } = spawnSync(process.execPath, words, {
    cwd: checkout,
    encoding: 'utf8',
  });
  assert.equal(status, 1);
  assert.match(stderr, /expected a licence in node_modules\/commander, or in its sources/);
});
