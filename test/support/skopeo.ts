import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { debianLoader, debianPackage, type Suite } from './debian-root.ts';

/** What a run of skopeo came to; one that takes too long counts as failed. */
export interface SkopeoRan {
  readonly ok: boolean;
  readonly stderr: string;
}

export type Skopeo = (
  words: readonly string[],
  environment: NodeJS.ProcessEnv,
) => Promise<SkopeoRan>;

const TIMEOUT_MS = 60_000;

/** The newest skopeo that runs here: that of Debian forky, 1.22; without a network the machine's own. */
export function newestSkopeo(): Skopeo {
  return skopeoOf('forky');
}

/** The skopeo of a Debian release: 1.18 in trixie, 1.22 in forky; without a network the machine's own. */
export function skopeoOf(suite: Suite): Skopeo {
  const [program = '', ...before] = wordsOf(suite);
  return (words, env) =>
    new Promise((done) => {
      const limits = { env, timeout: TIMEOUT_MS, killSignal: 'SIGKILL' } as const;
      execFile(program, [...before, ...words], limits, (error, _, stderr) =>
        done({ ok: error === null, stderr }),
      );
    });
}

/** The words that run the newest. */
export function newestSkopeoWords(): readonly string[] {
  return wordsOf('forky');
}

function wordsOf(suite: Suite): readonly string[] {
  try {
    return [...debianLoader(suite), join(debianPackage(suite, 'skopeo'), 'usr/bin/skopeo')];
  } catch {
    return ['skopeo'];
  }
}
