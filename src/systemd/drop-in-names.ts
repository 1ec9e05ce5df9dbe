import { parseUnitName } from './unit-name.ts';

/**
 * The names of the directories that hold a unit file's drop-ins, from specific to broad. For
 * `foo-bar@i.container`: `foo-bar@i.container.d`, `foo-bar@.container.d`, `foo-@.container.d`,
 * `foo-.container.d`, `container.d`.
 */
export function dropInDirectoryNames(fileName: string): readonly string[] {
  const { bare, prefix, instance } = parseUnitName(fileName);
  const type = fileName.slice(bare.length);
  const names = [`${fileName}.d`];
  if (instance !== undefined && instance !== '') names.push(`${prefix}@${type}.d`);
  for (let dash = prefix.lastIndexOf('-'); dash >= 0; dash = prefix.lastIndexOf('-', dash - 1)) {
    const broader = prefix.slice(0, dash + 1);
    if (instance !== undefined) names.push(`${broader}@${type}.d`);
    names.push(`${broader}${type}.d`);
    if (dash === 0) break;
  }
  names.push(`${type.slice(1)}.d`);
  return names;
}
