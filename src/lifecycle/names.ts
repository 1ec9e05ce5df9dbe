import type { Context } from './context.ts';
import { meaningsOf } from './provenance.ts';
import type { RootRecord } from './record.ts';

/**
 * Makes each tagged name mean the image that all living roots mean by it. A name on which they
 * differ stays as it is, until one of them is activated.
 */
export async function moveNames(
  context: Context,
  records: ReadonlyMap<string, RootRecord>,
  names: readonly string[],
): Promise<void> {
  const images = await context.engine.images();
  const current = new Map(images.flatMap((image) => image.names.map((name) => [name, image.id])));
  for (const name of new Set(names)) {
    if (name.includes('@')) continue;
    const [id, ...others] = meaningsOf(name, records.values()).keys();
    if (id === undefined || others.length > 0 || current.get(name) === id) continue;
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
  if (name.includes('@')) return;
  const meanings = meaningsOf(name, records.values());
  const otherwise = [...meanings].find(([meant]) => meant !== id);
  if (otherwise !== undefined) {
    const [meant, roots] = otherwise;
    const message = `${name} stays on ${meant}, which ${roots.join(', ')} means by it; what was pulled is ${id}`;
    context.report({ event: 'warning', message });
    return;
  }
  await context.engine.tag(id, name);
  context.report({ event: 'named', id, name });
}
