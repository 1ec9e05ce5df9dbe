import { append } from '../../../common/append.ts';
import type { ClusterFiles, FoundText } from '../cluster-files.ts';
import { readDocuments } from '../documents.ts';
import type { ProgramFlag } from '../program-flag.ts';
import { textOf, type Value } from '../value.ts';

/** The values of each flag that configuration files set, by the name without dashes. */
export type ConfiguredFlags = ReadonlyMap<string, readonly ProgramFlag[]>;

/**
 * The flags in a configuration of k3s or rke2 and its drop-ins, in `PATH.d`. A key replaces the values
 * of the files before, unless it ends with `+`.
 *
 * Source: k3s, pkg/configfilearg/parser.go, `readConfigFile`.
 */
export async function configuredFlags(path: string, files: ClusterFiles): Promise<ConfiguredFlags> {
  const flags = new Map<string, ProgramFlag[]>();
  for (const place of [path, ...dropInsOf(path, files)]) {
    if (files.kindOf(place) !== 'other') continue;
    const file = files.read(place);
    if (file !== undefined) await addFlags(file, flags, files);
  }
  return flags;
}

function dropInsOf(path: string, files: ClusterFiles): readonly string[] {
  return files
    .names(`${path}.d`)
    .filter((name) => /\.ya?ml$/i.test(name))
    .map((name) => `${path}.d/${name}`);
}

async function addFlags(
  file: FoundText,
  flags: Map<string, ProgramFlag[]>,
  files: ClusterFiles,
): Promise<void> {
  const { documents, faults } = await readDocuments(file.text);
  for (const fault of faults) files.problem(file.path, fault.line, fault);
  const [document] = documents;
  if (document?.kind !== 'map') return;
  for (const [key, value] of document.entries) {
    const name = key.replace(/\+$/, '');
    const values = valuesOf(value, file.path);
    const before = flags.get(name);
    if (before !== undefined && key !== name) append(before, values);
    else flags.set(name, values);
  }
}

function valuesOf(value: Value, path: string): ProgramFlag[] {
  if (value.kind === 'list') return value.items.flatMap((item) => valuesOf(item, path));
  return [{ path, line: value.line, text: textOf(value) }];
}
