import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { openRoot } from '../../src/root/open-root.ts';
import { type Root, RootError, type RootErrorCode } from '../../src/root/root.ts';
import { temporaryDirectory } from '../support/temporary.ts';

/** A tree of files, and of links where the value begins with `-> `; closed when the test ends. */
export function rootOf(
  t: TestContext,
  tree: Readonly<Record<string, string>>,
): { root: Root; directory: string } {
  const directory = join(temporaryDirectory(t), 'root');
  mkdirSync(directory);
  for (const [path, content] of Object.entries(tree)) {
    const host = join(directory, path);
    mkdirSync(dirname(host), { recursive: true });
    if (content.startsWith('-> ')) symlinkSync(content.slice(3), host);
    else writeFileSync(host, content);
  }
  const root = openRoot(directory);
  t.after(() => root.close());
  return { root, directory };
}

export function textOf(root: Root, path: string): string | undefined {
  return root.readFile(path)?.content.toString();
}

/** For `assert.throws`. */
export function rootError(code: RootErrorCode, path?: string): (error: unknown) => true {
  return (error) => {
    assert.ok(error instanceof RootError, String(error));
    assert.equal(error.code, code, error.message);
    if (path !== undefined) assert.equal(error.path, path);
    assert.notEqual(error.hint, '');
    return true;
  };
}

export function openDescriptors(): number {
  return readdirSync('/proc/self/fd').length;
}
