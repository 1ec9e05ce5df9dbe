import { existsSync, watch } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { Changes } from '../changes.ts';
import { EngineError } from '../errors.ts';
import { statusHint } from '../grpc/failure.ts';
import { Events } from '../grpc/generated/containerd/services/events_pb.ts';
import { oneRequest } from '../grpc/requests.ts';
import { SCHEMA_LABEL } from '../pins/labels.ts';
import type { Wake } from '../wake.ts';
import type { Containerd } from './api/containerd.ts';
import { listContent } from './api/content.ts';
import { listLeases } from './api/leases.ts';
import { listNames } from './api/names.ts';
import { Missing } from './missing.ts';

/** In milliseconds: changes within this time are looked at together. */
const TOGETHER = 100;

/**
 * Wakes when something in the namespace was removed or moved. containerd has events for names, but none for
 * leases and content, and no reply says when a subscription has begun. So berth watches containerd's database file
 * too, and lists everything again after each write.
 *
 * @param database the file in which containerd keeps its metadata.
 */
export async function* lossesOf(
  containerd: Containerd,
  database: string,
  signal: AbortSignal,
): AsyncGenerator<Wake> {
  const ended = new AbortController();
  const either = AbortSignal.any([signal, ended.signal]);
  const changes = new Changes();
  const watcher = existsSync(database) ? watch(database, () => changes.add()) : undefined;
  watcher?.on('error', (error) => changes.fail(error));
  const following = follow(containerd, changes, either);
  try {
    const missing = new Missing(await everything(containerd));
    yield 'listening';
    for (;;) {
      await changes.next(either);
      await setTimeout(TOGETHER, undefined, { signal: either });
      if (missing.see(await everything(containerd), performance.now())) yield 'lost';
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    ended.abort();
    watcher?.close();
    await following;
  }
}

/** Follows the events of the names. The subscription ends when containerd does. */
async function follow(
  { grpc, namespace, program }: Containerd,
  changes: Changes,
  signal: AbortSignal,
): Promise<void> {
  const filters = [`namespace==${namespace},topic~="^/images/"`];
  try {
    const events = grpc.stream(Events.method.subscribe, oneRequest({ filters }), {
      signal,
      timeout: 0,
    });
    for await (const _ of events) changes.add();
    throw new EngineError('engine-unreachable', `${program.name} ended its events`, {
      hint: statusHint(program),
    });
  } catch (error) {
    changes.fail(error);
  }
}

/** Names with their targets and labels, berth's leases, and content: each as one text. */
async function everything(containerd: Containerd): Promise<ReadonlySet<string>> {
  const [names, leases, content] = await Promise.all([
    listNames(containerd),
    listLeases(containerd, SCHEMA_LABEL),
    listContent(containerd),
  ]);
  return new Set([
    ...names.flatMap(({ name, target, labels }) => [
      `${name} ${target.digest}`,
      ...Object.entries(labels).map(([label, value]) => `${name} ${label} ${value}`),
    ]),
    ...leases.map(({ id }) => id),
    ...content.keys(),
  ]);
}
