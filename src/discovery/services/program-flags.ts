import { concealValue } from '../../common/concealed.ts';
import { commandLines } from '../../systemd/command-line.ts';
import type { Environment } from '../../systemd/environment/environment.ts';
import { list } from '../../systemd/lookup.ts';
import type { SystemdUnit, SystemdUnits } from '../../systemd/systemd-unit.ts';
import { Expander } from '../expander.ts';
import type { ProgramFlag, ProgramFlags } from '../kubernetes/program-flag.ts';
import type { SourceContext } from '../source.ts';
import { systemdWords } from './systemd-words.ts';
import type { Word } from './words.ts';

type PlacedWord = Word & { readonly path: string; readonly line: number };

/** The flags in the command lines of a service; undefined if the root has no such unit. */
export function programFlags(
  name: string,
  units: SystemdUnits,
  context: SourceContext,
): ProgramFlags | undefined {
  const written = units.unit(name);
  if (written === undefined) return undefined;
  const expander = new Expander(context);
  const isKnown = (one: SystemdUnit) =>
    expander.environment({ service: name, entries: one.entries }).ok;
  const unit = isKnown(written) ? written : withoutHostFiles(written);
  const isWhole = isKnown(unit);
  const commands = list(unit.entries, 'Service', 'ExecStart');
  const place = commands.at(-1) ?? { path: unit.path, line: 1 };
  const words: PlacedWord[] = commands.flatMap((entry) =>
    (commandLines(entry.value) ?? [])
      .flatMap((line) => systemdWords(line, unit, expander))
      .map((word) => ({ ...word, path: entry.path, line: entry.line })),
  );
  return {
    place,
    all: (option) => flags(words, option),
    last: (option) => flags(words, option).at(-1),
    has: (text) => words.some((word) => word.text === text),
    variable: (variable) => {
      const text = valueOf(
        variable,
        expander.environment({ service: name, entries: unit.entries }),
      );
      return text === undefined ? undefined : { path: place.path, line: place.line, text };
    },
    // In a known environment an unset variable is no word at all.
    unknown: isWhole
      ? []
      : words.filter(({ several, fault }) => several === true && fault !== undefined),
  };
}

/** The value of a variable, which is shown to nobody if not everybody may read it. */
function valueOf(name: string, environment: Environment): string | undefined {
  const value = environment.ok ? environment.values.get(name) : undefined;
  if (value === undefined || value === '' || !environment.ok) return undefined;
  if (environment.values.isPrivate(name) && !concealValue(value)) return undefined;
  return value;
}

/**
 * A unit without the optional environment files that a program writes on the booted host, such as
 * kubeadm when a node joins its cluster. The root can't have them, so the rest counts.
 */
function withoutHostFiles(unit: SystemdUnit): SystemdUnit {
  const entries = unit.entries.filter(
    ({ key, value }) => key !== 'EnvironmentFile' || !/^-\/(?:var|run)\//.test(value),
  );
  return { ...unit, entries };
}

/** The values of `--option=VALUE` and `--option VALUE`, in order. */
function flags(words: readonly PlacedWord[], option: string): readonly ProgramFlag[] {
  return words.flatMap((word, at) => {
    if (word.text.startsWith(`${option}=`)) {
      return [{ ...word, text: word.text.slice(option.length + 1) }];
    }
    return word.text === option ? [words[at + 1] ?? { ...word, text: '' }] : [];
  });
}
