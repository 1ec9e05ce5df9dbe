import type { EngineId } from '../../common/engine-id.ts';
import { isLiving, type Removed, type RootRecord } from '../../state/record.ts';
import * as transitions from '../../state/transitions.ts';
import { type Context, changing, changingRoot } from '../context.ts';
import { aboutRoot } from '../events.ts';
import { readSituation } from '../situation.ts';
import { keyOf, type Lack, lacksOf } from './lacks.ts';
import { type Look, livingFirst } from './look.ts';
import type { Watch } from './watch-parts.ts';

/**
 * Puts nothing back: what somebody removes while berth watches stays removed, and the root's record says so. What is
 * already missing when the watch begins may have another cause, so `reconcile` still puts that back.
 */
export function respectfulLook({ context, asRun }: Watch, engine: EngineId): Look {
  let before: ReadonlySet<string> = new Set();
  return (why) =>
    asRun(async () => {
      const situation = await readSituation(context, { exactly: new Set([engine]) });
      const lacking = livingFirst(situation).map((record) => ({
        id: record.id,
        lacks: lacksOf(record, situation),
      }));
      const keys = new Set(lacking.flatMap(keysOf));
      before = new Set([...keys].filter((key) => why === 'listening' || before.has(key)));
      for (const { id, lacks } of lacking) {
        if (keysOf({ id, lacks }).every((key) => before.has(key))) continue;
        await leaveRemoved(context, id, engine, before);
      }
    });
}

interface Lacking {
  readonly id: string;
  readonly lacks: readonly Lack[];
}

function keysOf({ id, lacks }: Lacking): readonly string[] {
  return lacks.map((lack) => `${id} ${keyOf(lack)}`);
}

/** Records what a root lacks on an engine and did not lack before. */
async function leaveRemoved(
  given: Context,
  root: string,
  engine: EngineId,
  before: ReadonlySet<string>,
): Promise<void> {
  const context = aboutRoot(given, root);
  await changing(context, 'shared', () =>
    changingRoot(context, root, async () => {
      const situation = await readSituation(context, { exactly: new Set([engine]) });
      const record = situation.records.get(root);
      if (record === undefined || !isLiving(record)) return;
      const lacks = lacksOf(record, situation).filter(
        (lack) => !before.has(`${root} ${keyOf(lack)}`),
      );
      if (lacks.length === 0) return;
      note(context, record, lacks);
    }),
  );
}

function note({ state, report }: Context, record: RootRecord, lacks: readonly Lack[]): void {
  const time = new Date().toISOString();
  state.write(
    transitions.respected(
      record,
      lacks.map((lack) => removedBy(lack, time)),
    ),
  );
  for (const { engine, id, name, code, message } of lacks) {
    report({ event: 'lost', root: record.id, engine, id, name, code, message });
  }
  const names = [...new Set(lacks.map(({ name }) => name))].join(', ');
  const message = `${record.id} is not ready, and on-force leaves removed what somebody removed: ${names}; \`berth stage\` brings it back`;
  report({ event: 'warning', code: 'removed-by-somebody', message });
}

/** The note for the record, which has a name only if the image itself is there. */
function removedBy({ code, engine, id, name }: Lack, time: string): Removed {
  const isName = code === 'name-missing' || code === 'name-moved' || code === 'digest-missing';
  return { engine, id, ...(isName ? { name } : {}), time };
}
