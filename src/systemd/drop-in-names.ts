import { parseUnitName } from './unit-name.ts';

/**
 * The names of the directories that hold a unit file's drop-ins, from specific to broad. For
 * `foo-bar@i.container`: `foo-bar@i.container.d`, `foo-bar@.container.d`, `foo-@.container.d`,
 * `foo-.container.d`, `container.d`.
 */
export function dropInDirectoryNames(fileName: string): readonly string[] {
  return dropInStems(fileName).map((stem) => `${stem}.d`);
}

/** The same names without `.d`. */
export function dropInStems(fileName: string): string[] {
  const { bare, prefix, instance } = parseUnitName(fileName);
  const type = fileName.slice(bare.length);
  const names = [fileName];
  if (instance !== undefined && instance !== '') names.push(`${prefix}@${type}`);
  for (let dash = prefix.lastIndexOf('-'); dash >= 0; dash = prefix.lastIndexOf('-', dash - 1)) {
    const broader = prefix.slice(0, dash + 1);
    if (instance !== undefined) names.push(`${broader}@${type}`);
    names.push(`${broader}${type}`);
    if (dash === 0) break;
  }
  names.push(type.slice(1));
  return names;
}
