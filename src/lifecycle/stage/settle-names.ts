import { BerthError } from '../../common/errors.ts';
import { isTag } from '../../image/name.ts';
import type { RootRecord } from '../../state/record.ts';
import type { EngineContext } from '../context.ts';
import { meaningsOf } from '../provenance.ts';

/** The meanings of names on one engine. */
interface Meant {
  /** The records of the engine, as `EngineSituation` has them. */
  readonly records: ReadonlyMap<string, RootRecord>;
  /** The id of the root that runs. */
  readonly running: string | undefined;
}

/**
 * Moves each tagged name of an engine to the image that the running root means by the name. A name that the
 * running root does not use moves to the image that all living roots mean. If living roots mean different
 * images, the name stays with one of these until one of the roots is activated.
 *
 * A name of the running root that somebody else has moved is drift, and is left alone.
 *
 * @param changed the root because of which names move, as it was before the change: a name that still
 * means what this root meant has not drifted.
 * @returns the names that are left alone as drift.
 */
export async function moveNames(
  context: EngineContext,
  { records, running }: Meant,
  names: readonly string[],
  changed: RootRecord | undefined,
): Promise<ReadonlySet<string>> {
  const drifted = new Set<string>();
  const images = await context.engine.images();
  const current = new Map(images.flatMap((image) => image.names.map((name) => [name, image.id])));
  const earlier = new Map(changed === undefined ? [] : [[changed.id, changed]]);
  for (const name of new Set(names)) {
    if (!isTag(name)) continue;
    const meanings = meaningsOf(name, records);
    const now = current.get(name);
    const own = [...meanings].find(([, roots]) => roots.some((root) => root === running))?.[0];
    const before = [...meaningsOf(name, earlier).keys()];
    const known = now === undefined || meanings.has(now) || before.includes(now);
    // Somebody else moved the name. Only a new stage of the running root itself moves it back.
    if (own !== undefined && !known && changed?.id !== running) {
      drifted.add(name);
      continue;
    }
    const id =
      own ??
      (now !== undefined && meanings.has(now) && meanings.size > 1
        ? now
        : meanings.keys().next().value);
    if (id === undefined || now === id) continue;
    const isArtifact = images.some((image) => image.artifact === true && image.id === id);
    await (isArtifact ? nameArtifact(context, id, name) : nameImage(context, id, name));
  }
  return drifted;
}

async function nameImage({ engine, report }: EngineContext, id: string, name: string) {
  await engine.tag(id, name);
  report({ event: 'named', id, name });
}

/**
 * Names an artifact, for which its registry is asked. A failure is only a warning here: the root that means
 * the artifact by this name is not ready, but others can be released and staged.
 */
async function nameArtifact(context: EngineContext, id: string, name: string) {
  try {
    await nameImage(context, id, name);
  } catch (error) {
    context.signal.throwIfAborted();
    if (!(error instanceof BerthError)) throw error;
    const message = `${name} was not moved to the artifact ${id}: ${error.message}`;
    context.report({ event: 'warning', code: 'name-kept', name, message });
  }
}

/** Gives a pulled image its name, unless a living root means another image by it. */
export async function moveNamesTo(
  context: EngineContext,
  records: ReadonlyMap<string, RootRecord>,
  name: string,
  id: string,
): Promise<void> {
  if (!isTag(name)) return;
  const meanings = meaningsOf(name, records);
  const otherwise = [...meanings].find(([meant]) => meant !== id);
  if (otherwise !== undefined) {
    const [meant, roots] = otherwise;
    const message = `${name} stays on ${meant}, which ${roots.join(', ')} means by it; what was pulled is ${id}`;
    context.report({ event: 'warning', code: 'name-kept', name, message });
    return;
  }
  await context.engine.tag(id, name);
  context.report({ event: 'named', id, name });
}
