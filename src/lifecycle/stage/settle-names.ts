import { isTag } from '../../image/name.ts';
import { runningRoot } from '../../state/activation.ts';
import type { RootRecord } from '../../state/record.ts';
import type { Context } from '../context.ts';
import { meaningsOf } from '../provenance.ts';

/**
 * Makes each tagged name mean the image that the running root means by it; where that uses it not,
 * what all living roots mean. A name on which those differ stays with one of them as it is, until
 * one is activated.
 *
 * A name of the running root that somebody else moved since is left alone: it is drift.
 *
 * @param changed the root because of which names move, as it was before: it is not drift if a name
 * means what that one meant.
 */
export async function moveNames(
  context: Context,
  records: ReadonlyMap<string, RootRecord>,
  names: readonly string[],
  changed: RootRecord | undefined,
): Promise<void> {
  const running = runningRoot(context.state.activation, records);
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
    // Unless it is that very root that is staged anew.
    if (own !== undefined && !known && changed?.id !== running) continue;
    const id =
      own ??
      (now !== undefined && meanings.has(now) && meanings.size > 1
        ? now
        : meanings.keys().next().value);
    if (id === undefined || now === id) continue;
    await context.engine.tag(id, name);
    context.report({ event: 'named', id, name });
  }
}

/** Gives a pulled image its name, unless a living root means another image by it. */
export async function moveNamesTo(
  context: Context,
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
