import { list } from '../../systemd/lookup.ts';
import { splitWords } from '../../systemd/words.ts';
import {
  type ContainersConf,
  type EngineSettings,
  modulesIn,
  withModules,
} from '../containers-conf.ts';
import { podman } from '../services/option-tables.ts';
import { splitOptions } from '../services/split-options.ts';
import { type QuadletUnit, sectionOf } from './unit.ts';

interface ConfContext {
  readonly containersConf?: ContainersConf | undefined;
}

/** The settings of containers.conf for the podman of a unit, with the modules that the unit names. */
export function confOf(unit: QuadletUnit, { containersConf }: ConfContext): EngineSettings {
  if (containersConf?.modules === undefined) return withModules(containersConf, []);
  const section = sectionOf[unit.type];
  const valuesOf = (key: string) => list(unit.entries, section, key).map(({ value }) => value);
  const words = valuesOf('GlobalArgs').flatMap(
    (value) => splitWords(value, { escapes: true, relaxed: true }) ?? [],
  );
  const split = splitOptions(
    words.map((text) => ({ text, raw: text })),
    { tables: [podman.global], interspersed: true },
  );
  const given = split.ok ? split.options : [];
  return withModules(containersConf, [...valuesOf('ContainersConfModule'), ...modulesIn(given)]);
}
