import { expandName } from '../expand-name.ts';
import { list, scalar } from '../lookup.ts';
import type { Installed, SystemdUnit, SystemdUnits } from '../systemd-unit.ts';
import { isAlias, isUnitName } from '../unit-alias.ts';
import { parseUnitName, withInstance } from '../unit-name.ts';
import { splitWords } from '../words.ts';

/**
 * Works out what [Install] of a unit makes of it, including [Install] in its drop-ins.
 *
 * Source: systemd.unit(5), "[Install] Section Options"; systemd, src/shared/install.c,
 * `install_info_apply`.
 */
export function installed(units: SystemdUnits, unit: SystemdUnit): Installed {
  const name = enabledName(unit);
  const words = (key: string) => wordsOf(units, unit, key);
  const aliases = words('Alias').flatMap((alias) => aliasOf(alias, unit.name));
  const isTemplate = parseUnitName(name).instance === '';
  const starts = linkDirectories.flatMap(([key, suffix]) =>
    words(key)
      // A template without an instance is started only by templates and instances.
      .filter((target) => !isTemplate || parseUnitName(target).instance !== undefined)
      .map((target) => `${target}.${suffix}/${name}`),
  );
  return { aliases, starts, also: words('Also') };
}

const linkDirectories = [
  ['WantedBy', 'wants'],
  ['RequiredBy', 'requires'],
  ['UpheldBy', 'upholds'],
] as const;

/** The unit that the links start: of a template its default instance, if there is one. */
function enabledName({ name, entries }: SystemdUnit): string {
  const parsed = parseUnitName(name);
  const instance = scalar(entries, 'Install', 'DefaultInstance')?.value;
  return parsed.instance === '' && instance ? withInstance(parsed, instance).full : name;
}

function wordsOf(units: SystemdUnits, unit: SystemdUnit, key: string): readonly string[] {
  const entries = list(unit.entries, 'Install', key);
  if (entries.length === 0) return [];
  const named = { ...unit, name: enabledName(unit) };
  const isTemplate = parseUnitName(named.name).instance === '';
  return entries.flatMap(({ value }) =>
    (splitWords(value, { escapes: true, relaxed: false }) ?? []).flatMap((word) => {
      const text = isTemplate ? word.replaceAll('%i', '') : word;
      const expanded = expandName(units, named, text);
      return expanded?.ok === true && isUnitName(expanded.text) ? [expanded.text] : [];
    }),
  );
}

/** An alias that is a template becomes an instance with the unit, and one of another kind is refused. */
function aliasOf(alias: string, name: string): readonly string[] {
  const [from, to] = [parseUnitName(alias), parseUnitName(name)];
  const given = from.instance === '' && to.instance ? withInstance(from, to.instance).full : alias;
  const target = to.instance ? withInstance(to, '').full : name;
  return isAlias(given, to.instance && from.instance === '' ? target : name) ? [given] : [];
}
