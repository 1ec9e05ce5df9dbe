import { posix } from 'node:path';
import {
  callsInScript,
  directoriesInScript,
  interpretedInScript,
  runsDirectories,
} from './calls-in-script.ts';
import { defaultPath } from './programs-on-path.ts';
import type { Script } from './read-script.ts';
import type { Scripts, Whence } from './scripts.ts';

/** The scripts of the root that a text seems to call. */
export function calledScripts(code: string, whence: Whence, scripts: Scripts): readonly Script[] {
  const set = /\bPATH=["']?([^\s"';&|]+)/.exec(code)?.[1];
  const from = set === undefined ? whence : { ...whence, searchPath: `${set}:$PATH` };
  const besides = [whence.directory, ...directoriesInScript(code)];
  const interpreted = interpretedInScript(code).flatMap((name) =>
    besides.flatMap((directory) => scripts.find(name, { directory }, 'interpreter') ?? []),
  );
  const runsAll = runsDirectories(code);
  const called = callsInScript(code).flatMap(({ name, isByShell }) => {
    const isPath = name.includes('/') || isByShell || name.endsWith('.sh');
    const reader = isByShell ? 'shell' : undefined;
    const beside = besides.flatMap((directory) =>
      isPath ? (scripts.find(`./${posix.basename(name)}`, { directory }, reader) ?? []) : [],
    );
    const mayBeRun = runsAll && name.startsWith('/') && !defaultPath.includes(name);
    const inside = mayBeRun ? scripts.in(name) : [];
    return [scripts.find(name, from, reader) ?? [], beside, inside].flat();
  });
  return [...called, ...interpreted];
}
