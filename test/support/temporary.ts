import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { clearAway } from './clear-away.ts';

/** A directory of the test's own, gone when the test ends, however it ends. */
export function temporaryDirectory(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'berth-test-'));
  t.after(async () => {
    try {
      rmSync(directory, { recursive: true, force: true });
    } catch {
      // A program still writes into it, or something is mounted there.
      await clearAway(directory);
    }
  });
  return directory;
}
