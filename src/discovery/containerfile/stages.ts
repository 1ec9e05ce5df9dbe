import { append } from '../../common/append.ts';
import { goArchitecture } from '../../image/platform.ts';
import { type Allowance, allowanceSpent } from '../allowance.ts';
import type { Fault } from '../problem.ts';
import { type Instruction, readInstructions } from './instructions.ts';
import { expandWord, type Word } from './words.ts';

export interface StageOptions {
  readonly buildArgs: ReadonlyMap<string, string>;
  /** The root's architecture in systemd's spelling: `x86-64`. */
  readonly architecture: string;
  readonly allowance: Allowance;
}

/** A use of an image or of another stage by a stage. */
export interface Use {
  readonly line: number;
  readonly by: 'FROM' | 'copy' | 'mount';
  readonly name: Word;
  readonly platform?: Word;
}

/** A stage of a build: a FROM instruction and those that follow it. */
export interface Stage {
  readonly name: Word | undefined;
  readonly line: number;
  /** The uses in the order of the file; the first is that of `FROM`. */
  readonly uses: readonly Use[];
}

export interface Stages {
  readonly stages: readonly Stage[];
  readonly faults: readonly (Fault & { readonly line?: number })[];
}

/** Reads the stages of a Containerfile, with variables replaced in the names that they use. */
export function readStages(text: string, options: StageOptions): Stages {
  const file = readInstructions(text);
  const faults: (Fault & { line?: number })[] = [...file.faults];
  const builtin = builtinArgs(options.architecture);
  const heading = new Map<string, string>();
  const within = (word: Word): Word =>
    word.ok && !options.allowance.spend(word.text.length)
      ? { ok: false, fault: allowanceSpent }
      : word;
  const open: { name: Word | undefined; line: number; uses: Use[]; args: Map<string, string> }[] =
    [];
  for (const instruction of file.instructions) {
    const { keyword, line, words, flags } = instruction;
    const stage = open.at(-1);
    // A stage sees only the arguments that it declares; `ARG NAME` takes the value from the top.
    const outer = (name: string) => heading.get(name) ?? builtin.get(name);
    const valueOf = (name: string) => (stage === undefined ? outer(name) : stage.args.get(name));
    const expand = (word: string) => within(expandWord(word, file.escape, valueOf));
    if (keyword === 'FROM') {
      // FROM sees only the arguments declared before the first FROM.
      const inHeading = (word: string) => within(expandWord(word, file.escape, outer));
      const [image, as, name] = words;
      if (image === undefined || (words.length > 1 && (as?.toUpperCase() !== 'AS' || !name))) {
        faults.push({ ...badFrom, line });
      }
      const platform = valuesOf(flags, '--platform=')[0];
      const from: Use = {
        line,
        by: 'FROM',
        name: inHeading(image ?? 'scratch'),
        ...(platform === undefined ? {} : { platform: inHeading(platform) }),
      };
      const own = name === undefined ? undefined : inHeading(name);
      open.push({ name: own, line, uses: [from], args: new Map() });
    } else if (keyword === 'ARG') {
      declare(
        instruction,
        stage?.args ?? heading,
        expand,
        (name) => options.buildArgs.get(name),
        outer,
      );
    } else if (stage !== undefined) {
      append(stage.uses, usesOf(instruction, expand));
    }
  }
  return { stages: open, faults };
}

/** Applies `ARG A=1 B` to a scope. Arguments passed to the build override the defaults. */
function declare(
  { words }: Instruction,
  scope: Map<string, string>,
  expand: (word: string) => Word,
  passedTo: (name: string) => string | undefined,
  outer: (name: string) => string | undefined,
): void {
  for (const word of words) {
    const equals = word.indexOf('=');
    const name = equals < 0 ? word : word.slice(0, equals);
    const passed = passedTo(name) ?? (equals < 0 ? outer(name) : undefined);
    const value = passed === undefined && equals >= 0 ? expand(word.slice(equals + 1)) : undefined;
    // A variable with an unknown default stays unset: the fault is reported where it is used.
    if (value?.ok === false) scope.delete(name);
    const known = passed ?? (value?.ok === true ? value.text : undefined);
    if (known !== undefined) scope.set(name, known);
  }
}

function usesOf({ keyword, flags, line }: Instruction, expand: (word: string) => Word): Use[] {
  if (keyword === 'COPY' || keyword === 'ADD') {
    return valuesOf(flags, '--from=').map((value) => ({ line, by: 'copy', name: expand(value) }));
  }
  if (keyword !== 'RUN') return [];
  return valuesOf(flags, '--mount=').flatMap((value) =>
    value
      .split(',')
      .filter((field) => field.startsWith('from='))
      .map((field) => ({ line, by: 'mount' as const, name: expand(field.slice(5)) })),
  );
}

/**
 * The values of a flag.
 *
 * @param name the flag with its equals sign: `--from=`.
 */
function valuesOf(flags: readonly string[], name: string): string[] {
  return flags.filter((flag) => flag.startsWith(name)).map((flag) => flag.slice(name.length));
}

/**
 * The arguments that builders set (Dockerfile reference, "Automatic platform ARGs in the global
 * scope").
 */
function builtinArgs(systemd: string): ReadonlyMap<string, string> {
  const architecture = goArchitecture(systemd);
  const args = new Map<string, string>();
  for (const side of ['TARGET', 'BUILD']) {
    args.set(`${side}OS`, 'linux').set(`${side}ARCH`, architecture);
    // On arm the platform includes a variant, which a root does not tell.
    if (architecture === 'arm') continue;
    args.set(`${side}PLATFORM`, `linux/${architecture}`);
    if (architecture !== 'arm64') args.set(`${side}VARIANT`, '');
  }
  return args;
}

const badFrom: Fault = {
  code: 'containerfile',
  message: 'expected FROM IMAGE or FROM IMAGE AS NAME, found something else',
  hint: 'correct the instruction',
};
