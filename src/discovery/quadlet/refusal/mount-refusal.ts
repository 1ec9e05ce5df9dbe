import { list } from '../../../systemd/lookup.ts';
import type { UnitEntry } from '../../../systemd/unit-file.ts';
import { splitWords } from '../../../systemd/words.ts';
import type { Problem } from '../../problem.ts';
import type { QuadletUnit } from '../unit.ts';
import { missingUnit, refused, type Units } from './refused.ts';

/**
 * The reason for which podman refuses a `Mount=` of a container: one that needs a source and has none,
 * or a source made by a Quadlet file that does not exist.
 *
 * Source: podman 6, pkg/systemd/quadlet/quadlet.go, `resolveContainerMountParams`.
 */
export function mountRefusal(unit: QuadletUnit, units: Units): Problem | undefined {
  for (const entry of list(unit.entries, 'Container', 'Mount')) {
    const problem = refusalOfMount(unit, entry, units);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

/** The types of mounts whose source is a file, an image, an artifact or a volume. */
const withSource: ReadonlySet<string> = new Set(['artifact', 'bind', 'glob', 'image', 'volume']);

function refusalOfMount(unit: QuadletUnit, entry: UnitEntry, units: Units): Problem | undefined {
  const [value = ''] = splitWords(entry.value, { escapes: true, relaxed: true }) ?? [];
  const fields = value
    .split(',')
    .map((field) => field.replace(/^"|"$/g, ''))
    .filter((field) => field !== '');
  const valueOf = (name: string) =>
    fields.find((field) => field.startsWith(`${name}=`))?.slice(name.length + 1);
  const type = valueOf('type') ?? 'volume';
  if (value === '' || !withSource.has(type)) return undefined;
  const source = valueOf('source') ?? valueOf('src') ?? '';
  if (source === '') {
    return refused(unit, entry, `expected source= in a mount of the type ${type}, found none`);
  }
  const isUnit = /\.(?:artifact|build|image|volume)$/.test(source) && !/^[./]/.test(source);
  return isUnit && !units.byName.has(source) ? missingUnit(unit, entry, source) : undefined;
}
