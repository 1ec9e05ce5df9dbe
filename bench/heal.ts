import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Watcher, watch } from '../test/lifecycle/watch/watcher.ts';
import { writeRoot } from '../test/support/berth.ts';
import { buildImage } from '../test/support/image-builder.ts';
import { isolated } from '../test/support/podman.ts';
import { startRegistry } from '../test/support/registry.ts';
import { healedEngines, type Removal, type Start } from './healed-engines.ts';
import { berth, type Row, run, seconds } from './measure.ts';

const IMAGES = 8;
const RUNS = 5;
/** In seconds. */
const SOON = 1;
/** In mebibytes. */
const SMALL = 60;

/** How long after a removal `berth watch` has put everything back, and its memory while it waits. */
export async function benchHeal(directory: string): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [name, start] of Object.entries(healedEngines)) {
    const place = join(directory, `heal-${name}`);
    mkdirSync(place);
    rows.push(...(await benchOn(place, name, start)));
  }
  return rows;
}

async function benchOn(directory: string, called: string, start: Start): Promise<Row[]> {
  const registry = await startRegistry();
  const engine = await start(join(directory, 'e'), registry.host);
  try {
    const names = Array.from({ length: IMAGES }, (_, i) => `${registry.host}/app${i}:1`);
    // docker removes no name from an image that has only one.
    names.push(`${registry.host}/app0:also`);
    for (const [i, name] of names.entries()) {
      const layers = [{ bytes: 100_000, seed: i % IMAGES }];
      registry.push(name.replace(`${registry.host}/`, ''), buildImage({ layers }));
    }
    const files = Object.assign({}, ...names.map(engine.file));
    const environment = {
      ...isolated(directory, [registry.host]),
      ...engine.environment,
      BERTH_STATE_DIR: join(directory, 'state'),
    };
    const root = writeRoot(join(directory, 'os'), files);
    const option = ['--engine', engine.option];
    await run({ program: berth, words: ['stage', ...option, '--bind', 'all', root], environment });
    const watcher = await watch([berth], { ...environment, ...ofService() }, option);
    const rows = [await idle(called, watcher)];
    for (const [work, remove] of engine.removals(names.at(-1) ?? '')) {
      const times: number[] = [];
      for (let i = 0; i < RUNS; i++) times.push(await healing(watcher, remove));
      rows.push(rowOf(called, work, times));
    }
    await watcher.end();
    return rows;
  } finally {
    await engine.stop();
    await registry.close();
  }
}

/** The variables that the service of the watch sets. */
function ofService(): NodeJS.ProcessEnv {
  const path = join(import.meta.dirname, '../packaging/systemd/berth-watch.service');
  const lines = readFileSync(path, 'utf8').matchAll(/^Environment=(\w+)=(.*)$/gm);
  return Object.fromEntries([...lines].map(([, name, value]) => [name, value]));
}

/** @returns in seconds, from the end of the removal until all is back. */
async function healing({ events, until }: Watcher, remove: Removal): Promise<number> {
  const before = events.length;
  await remove();
  const removed = performance.now();
  const isOpen = () => {
    const since = events.slice(before);
    const ids = (kind: string) =>
      new Set(since.flatMap((told) => (told.event === kind && 'id' in told ? [told.id] : [])));
    const [lost, healed] = [ids('lost'), ids('healed')];
    return lost.size === 0 || [...lost].some((id) => !healed.has(id));
  };
  while (isOpen()) await until(({ event }) => event === 'healed');
  return (performance.now() - removed) / 1000;
}

function rowOf(engine: string, work: string, times: readonly number[]): Row {
  const sorted = times.toSorted((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)] ?? 0;
  const worst = sorted.at(-1) ?? 0;
  return {
    work: `heal: ${work} on ${engine}, from its removal until it is back`,
    against: `${SOON} s`,
    berth: `${seconds(median)}, at worst ${seconds(worst)}`,
    peer: seconds(SOON),
    ratio: median / SOON,
    limit: 1,
  };
}

/** In milliseconds: after so much time a watch without work waits for more. */
const IDLE = 5000;

async function idle(engine: string, { process: { pid } }: Watcher): Promise<Row> {
  await delay(IDLE);
  const [, kilobytes = ''] =
    /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  const mebibytes = Number(kilobytes) / 1024;
  return {
    work: `berth watch on ${engine}, waiting: resident memory`,
    against: `${SMALL} MiB`,
    berth: `${mebibytes.toFixed(1)} MiB`,
    peer: `${SMALL} MiB`,
    ratio: mebibytes / SMALL,
    limit: 1,
  };
}
