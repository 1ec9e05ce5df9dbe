import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { openRoot } from '../../src/root/open-root.ts';
import type { Root } from '../../src/root/root.ts';
import { temporaryDirectory } from '../support/temporary.ts';

/** A root with these files, closed and gone when the test ends. */
export function tree(t: TestContext, files: Readonly<Record<string, string>>): Root {
  const directory = temporaryDirectory(t);
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), content);
  }
  const root = openRoot(directory);
  t.after(() => root.close());
  return root;
}
