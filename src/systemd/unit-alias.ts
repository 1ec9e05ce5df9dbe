import { parseUnitName } from './unit-name.ts';

const possibleName =
  /^[A-Za-z0-9:_.\\-][A-Za-z0-9:_.\\@-]*\.(?:service|socket|device|mount|automount|swap|target|path|timer|slice|scope|snapshot)$/;
const aliasTypes = /\.(?:service|socket|target|device|timer|path)$/;

/**
 * Whether a text is the name of a unit, of a template or of an instance.
 *
 * Source: systemd.unit(5), "Description"; systemd, src/basic/unit-name.c, `unit_name_is_valid`.
 */
export function isUnitName(name: string): boolean {
  return name.length <= 255 && possibleName.test(name);
}

/**
 * Whether the link `name` to the unit file `target` makes `name` an alias of the unit. Both must
 * have the same type. A template may only link to a template, an instance to a template or to the
 * same instance of another, and a plain unit to a plain unit.
 *
 * Source: systemd, src/shared/install.c, `unit_validate_alias_symlink_or_warn`.
 */
export function isAlias(name: string, target: string): boolean {
  if (!isUnitName(name) || !isUnitName(target) || !aliasTypes.test(name)) return false;
  const from = parseUnitName(name);
  const to = parseUnitName(target);
  if (name.slice(from.bare.length) !== target.slice(to.bare.length)) return false;
  if (from.instance === undefined || from.instance === '') return from.instance === to.instance;
  return to.instance === '' || to.instance === from.instance;
}
