import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { discover, type EngineChoice } from '../../../src/discovery/discover.ts';
import type { Discovered } from '../../../src/discovery/reference.ts';
import { problems, rootOf, shortNames, type Tree } from '../../support/tree.ts';

const passwd = [
  'root:x:0:0::/root:/bin/sh',
  'toor:x:0:0::/root:/bin/sh',
  'app:x:1001:1001::/home/app:/bin/sh',
  'WORK\\eve:x:1002:1002::/home/eve:/bin/sh',
].join('\n');

/** What discovery finds in a tree with four users, and with Compose projects in /srv/compose. */
export function found(t: TestContext, tree: Tree, engines: EngineChoice = {}): Promise<Discovered> {
  const files = { '/etc/passwd': passwd, '/etc/os-release': 'ID=x\n', ...tree };
  return discover(rootOf(t, files), {
    shortNames,
    architecture: 'x86-64',
    compose: ['/srv/compose'],
    engines,
  });
}

/** The engines of all references, in the order of their places; `-` where none is known. */
export function enginesOf({ references }: Discovered): string {
  return references.map(({ engine = '-' }) => engine).join(' ');
}

/** A name, files of a root that name one image or several, and the engines that the references must have. */
export type EngineCase = readonly [string, Tree, string];

/** Makes a test of each case. A reference without an engine must also be a problem. */
export function engineTests(cases: readonly EngineCase[]): void {
  for (const [name, tree, expected] of cases) {
    test(`the engine of ${name}`, async (t) => {
      const result = await found(t, tree);
      assert.equal(enginesOf(result), expected);
      const unknown = result.references.filter(({ engine }) => engine === undefined);
      const told = problems(result).filter((problem) => problem.startsWith('engine-unknown'));
      assert.equal(told.length, unknown.length);
    });
  }
}
