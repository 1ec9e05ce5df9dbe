import { append } from '../../common/append.ts';
import { type Root, RootError } from '../../root/root.ts';
import { type Etc, followed } from '../etc.ts';
import { isUnitName } from '../unit-alias.ts';
import { splitWords } from '../words.ts';

/** The words of a kernel's command line that change which units start. */
export interface KernelArguments {
  /** `systemd.unit=`: the unit that starts in place of `default.target`. */
  readonly unit?: string;
  /** `systemd.wants=`: units that start with that unit. */
  readonly wants: readonly string[];
  /** `systemd.mask=`: units that never start. */
  readonly masked: readonly string[];
}

/**
 * Reads the command line that a root brings for its kernel: bootc's `kargs.d`, and the file from
 * which kernel-install(8) makes boot entries. What the host's boot loader adds is not known.
 *
 * Source: systemd(1), "Kernel Command Line"; systemd-debug-generator(8); bootc-kargs(7).
 *
 * @param architecture the root's architecture in systemd's spelling: `x86-64`.
 */
export async function readKernelArguments(
  root: Root,
  etc: Etc,
  architecture: string,
): Promise<KernelArguments> {
  const lines = [...(await ofBootc(root, architecture)), ...ofKernelInstall(root, etc)];
  const words = lines.flatMap((line) => splitWords(line, { escapes: false, relaxed: true }) ?? []);
  const valuesOf = (key: string) =>
    words.flatMap((word) => (word.startsWith(`${key}=`) ? [word.slice(key.length + 1)] : []));
  const asUnits = (names: readonly string[]) =>
    names.map((name) => (isUnitName(name) ? name : `${name}.service`)).filter(isUnitName);
  const unit = asUnits(valuesOf('systemd.unit')).at(-1);
  return {
    ...(unit === undefined ? {} : { unit }),
    wants: asUnits(valuesOf('systemd.wants')),
    masked: asUnits(valuesOf('systemd.mask')),
  };
}

const directory = '/usr/lib/bootc/kargs.d';

async function ofBootc(root: Root, architecture: string): Promise<readonly string[]> {
  const names = attempt(() => root.list(directory)) ?? [];
  const lines: string[] = [];
  for (const { name } of names) {
    if (!name.endsWith('.toml')) continue;
    const text = attempt(() => root.readFile(`${directory}/${name}`))?.content.toString();
    if (text?.includes('systemd.') !== true) continue;
    const { parse, TomlError } = await import('smol-toml');
    try {
      const { kargs, 'match-architectures': only } = parse(text);
      const isOther =
        Array.isArray(only) && !only.some((one) => spelledBySystemd(one) === architecture);
      if (Array.isArray(kargs) && !isOther) {
        append(
          lines,
          kargs.filter((one) => typeof one === 'string'),
        );
      }
    } catch (error) {
      // bootc refuses to install such a root.
      if (!(error instanceof TomlError)) throw error;
    }
  }
  return lines;
}

function spelledBySystemd(architecture: unknown): unknown {
  if (architecture === 'aarch64') return 'arm64';
  return architecture === 'x86_64' ? 'x86-64' : architecture;
}

function ofKernelInstall(root: Root, etc: Etc): readonly string[] {
  const found = [`${etc}/kernel/cmdline`, '/usr/lib/kernel/cmdline']
    .map((path) => attempt(() => root.readFile(followed(root, etc, path))))
    .find((file) => file !== undefined);
  return found?.content.toString().split('\n') ?? [];
}

/** A file that can't be read, or that others may write, counts as missing. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof RootError) return undefined;
    throw error;
  }
}
