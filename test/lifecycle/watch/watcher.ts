import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { parse } from 'valibot';
import { ProgressEvent } from '../../../src/documents/progress.ts';
import { type Machine, main } from '../../support/berth.ts';

type Told = ReturnType<typeof parseEvent>;

/** A `berth watch` of a test, and what it tells. */
export interface Watcher {
  readonly events: readonly Told[];
  /** Waits for an event that the watcher tells, or has told since the last wait. */
  readonly until: (isMeant: (event: Told) => boolean) => Promise<Told>;
  /** Waits until so many things are back that were lost after the last wait. */
  readonly healed: (count?: number) => Promise<readonly Told[]>;
  readonly process: ChildProcess;
  /** Ends it by SIGTERM, and returns how it ended. */
  readonly end: () => Promise<NodeJS.Signals | number | null>;
}

/** Starts `berth watch`, and waits until it hears of losses. */
export async function startWatcher(
  t: TestContext,
  machine: Pick<Machine, 'environment'>,
  ...words: readonly string[]
): Promise<Watcher> {
  const watcher = await watch([process.execPath, main], machine.environment, words);
  t.after(watcher.end);
  return watcher;
}

/** @param berth the program, and what goes before the name of the command. */
export async function watch(
  berth: readonly [program: string, ...words: string[]],
  environment: NodeJS.ProcessEnv,
  options: readonly string[],
): Promise<Watcher> {
  const [program, ...words] = berth;
  const child = spawn(program, [...words, 'watch', '--progress', 'json', ...options], {
    env: environment,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const exited = once(child, 'exit');
  const end = async () => {
    child.kill('SIGTERM');
    const [code, signal] = (await exited) as [number | null, NodeJS.Signals | null];
    return signal ?? code;
  };
  const events: Told[] = [];
  const other: string[] = [];
  let seen = 0;
  let more = Promise.withResolvers<void>();
  const wake = () => {
    more.resolve();
    more = Promise.withResolvers();
  };
  createInterface({ input: child.stderr })
    .on('line', (line) => {
      if (line.startsWith('{')) events.push(parseEvent(line));
      else other.push(line);
      wake();
    })
    .on('close', wake);
  const until: Watcher['until'] = async (isMeant) => {
    for (;;) {
      while (seen < events.length) {
        const event = events[seen++];
        if (event !== undefined && isMeant(event)) return event;
      }
      if (child.exitCode !== null) throw new Error(`berth watch ended: ${other.join('\n')}`);
      await more.promise;
    }
  };
  const healed: Watcher['healed'] = async (count = 1) => {
    const back: Told[] = [];
    while (back.length < count) back.push(await until(({ event }) => event === 'healed'));
    return back;
  };
  await until(({ event }) => event === 'listening');
  return { events, until, healed, process: child, end };
}

function parseEvent(line: string) {
  return parse(ProgressEvent, JSON.parse(line));
}
