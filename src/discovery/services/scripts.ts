import { posix } from 'node:path';
import { RootError } from '../../root/root.ts';
import { followed, linkTarget, whereInTree } from '../../systemd/etc.ts';
import type { SourceContext } from '../source.ts';
import { callsInScript } from './calls-in-script.ts';
import { mentionsPrograms, startsUnknown } from './mentions.ts';
import { interpreters, shells } from './shell-command.ts';
import { isProgram } from './subcommands.ts';
import { wrappers } from './wrappers.ts';

/** A script of the root. */
export interface Script {
  /** The path in the booted root. */
  readonly path: string;
  readonly text: string;
  /** Whether its first line names a shell. */
  readonly isShell: boolean;
}

/** In bytes: a longer script is read this far. */
const longestScript = 1024 * 1024;
/** In bytes: bounds the scripts of a root together, since each file may have many names. */
const mostBytes = 32 * 1024 * 1024;
/** The most words of a command line that are looked at. */
const mostWords = 64;
/** The most scripts that one calls, also by others. With more it counts as one that starts containers. */
const mostReached = 500;
/** systemd's own programs, which start most services of an OS, are no scripts and run none. */
const ofSystemd =
  /^(?:(?:\/usr)?\/lib\/systemd\/)?(?:systemctl|systemd-(?!run|nspawn|cat|inhibit)[a-z-]+)$/;
/** Where a shell and systemd look for a program. */
const directories = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/** What the text of one script shows. */
interface Look {
  readonly starts: boolean;
  readonly called: readonly Script[];
}

/** Finds the scripts that services start, each read once. */
export class Scripts {
  readonly #context: Pick<SourceContext, 'root' | 'etc'>;
  readonly #read = new Map<string, Script | undefined>();
  readonly #starts = new Map<Script, boolean>();
  readonly #looks = new Map<Script, Look>();
  #bytes = 0;
  readonly #directories = new Map<string, boolean>();
  #onPath: ReadonlyMap<string, readonly string[]> | undefined;

  constructor(context: Pick<SourceContext, 'root' | 'etc'>) {
    this.#context = context;
  }

  /**
   * Whether a command line calls a script that seems to start containers, or calls one that does. It is
   * a quick check: most services have nothing to do with containers.
   *
   * @param directory the working directory, which may hold specifiers.
   */
  mayStart(commandLine: string, directory: () => string): boolean {
    const words = commandLine
      .split(/\s+/, mostWords)
      .map((word) => word.replace(/^[-@:+!|"']+|["';]+$/g, ''));
    const [first = ''] = words;
    if (ofSystemd.test(first)) return false;
    const program = posix.basename(first);
    // The other words are arguments, unless the program runs what they name.
    const runsOthers =
      shells.has(program) || interpreters.test(program) || Object.hasOwn(wrappers, program);
    const paths = runsOthers ? words : words.slice(0, 1);
    if (shells.has(program) && this.#reach(this.#calledBy(commandLine, '/'))) return true;
    const isByShell = shells.has(program);
    // The shell itself is no script.
    return paths.slice(isByShell ? 1 : 0).some((word) => {
      const at = isByShell && !word.startsWith('/') ? posix.resolve('/', directory(), word) : word;
      return /%[^%]/.test(at) || this.#seemsToStart(at, isByShell);
    });
  }

  /** The script at a path, or of a program's name; undefined for other programs. */
  find(name: string, directory: string, isByShell = false): Script | undefined {
    if (name === '' || name.includes('\0')) return undefined;
    if (name.includes('/')) return this.#at(posix.resolve(directory, name), isByShell);
    const here = isByShell ? this.#at(posix.resolve(directory, name), true) : undefined;
    if (here !== undefined) return here;
    this.#onPath ??= this.#programs();
    for (const path of this.#onPath.get(name) ?? []) {
      const script = this.#at(path, false);
      if (script !== undefined) return script;
    }
    return undefined;
  }

  /**
   * The paths of all programs, by name. Scripts name very many programs, and each directory is listed once
   * rather than looked into for each name.
   */
  #programs(): ReadonlyMap<string, readonly string[]> {
    const paths = new Map<string, string[]>();
    const listed = new Set<string>();
    for (const directory of directories) {
      const [realPath, names] = this.#namesIn(directory);
      // `/bin` is mostly a link to `/usr/bin`.
      if (listed.has(realPath)) continue;
      listed.add(realPath);
      for (const name of names) {
        const known = paths.get(name);
        if (known === undefined) paths.set(name, [`${directory}/${name}`]);
        else known.push(`${directory}/${name}`);
      }
    }
    return paths;
  }

  #namesIn(directory: string): readonly [realPath: string, names: readonly string[]] {
    const { root } = this.#context;
    try {
      const realPath = root.lookup(directory)?.realPath ?? directory;
      return [realPath, (root.list(realPath) ?? []).map(({ name }) => name)];
    } catch (error) {
      // Programs that can't be read are not the concern of those who look for images.
      if (error instanceof RootError) return [directory, []];
      throw error;
    }
  }

  /** Whether the root has more scripts than are read; all others count as not read. */
  get isSpent(): boolean {
    return this.#bytes > mostBytes;
  }

  /** The text of a file; undefined if the root does not have it. */
  text(path: string): string | undefined {
    const { root, etc } = this.#context;
    try {
      const at = followed(root, etc, whereInTree(etc, path));
      const text = this.isSpent ? undefined : root.readStart(at, longestScript)?.toString();
      this.#bytes += text?.length ?? 0;
      return text;
    } catch (error) {
      // A program that can't be read is not the concern of those who look for images.
      if (error instanceof RootError) return undefined;
      throw error;
    }
  }

  /** Whether not everybody may read a file. */
  isPrivate(path: string): boolean {
    const { root, etc } = this.#context;
    try {
      root.as('public').readStart(followed(root, etc, whereInTree(etc, path)), 1);
      return false;
    } catch (error) {
      if (error instanceof RootError) return error.code === 'private';
      throw error;
    }
  }

  #seemsToStart(name: string, isByShell: boolean): boolean {
    const script = this.find(name, '/', isByShell);
    if (script === undefined) return false;
    const known = this.#starts.get(script);
    if (known !== undefined) return known;
    const starts = this.#reach([script]);
    this.#starts.set(script, starts);
    return starts;
  }

  /** Whether one of some scripts, or one that they call, seems to start containers. */
  #reach(scripts: readonly Script[]): boolean {
    const reached = new Set(scripts);
    for (const script of reached) {
      if (this.isSpent || reached.size > mostReached) return true;
      const { starts, called } = this.#lookAt(script);
      if (starts) return true;
      for (const one of called) reached.add(one);
    }
    return false;
  }

  #lookAt(script: Script): Look {
    const known = this.#looks.get(script);
    if (known !== undefined) return known;
    const lines = script.text.split('\n').filter((line) => !/^\s*#/.test(line));
    const code = lines.join('\n').replaceAll('\\\n', ' ');
    const starts = mentionsPrograms(code) || startsUnknown(code);
    const called = starts ? [] : this.#calledBy(code, posix.dirname(script.path));
    const look = { starts, called };
    this.#looks.set(script, look);
    return look;
  }

  /** The scripts of the root that a text seems to call. */
  #calledBy(code: string, directory: string): readonly Script[] {
    return callsInScript(code).flatMap(({ name, isByShell }) => {
      const isPath = name.includes('/') || isByShell || name.endsWith('.sh');
      const beside = isPath
        ? this.find(`./${posix.basename(name)}`, directory, isByShell)
        : undefined;
      return [this.find(name, directory, isByShell), beside].filter((one) => one !== undefined);
    });
  }

  #at(path: string, isByShell: boolean): Script | undefined {
    const key = isByShell ? `${path}\0` : path;
    if (!this.#read.has(key)) this.#read.set(key, this.#readAt(path, isByShell));
    return this.#read.get(key);
  }

  #readAt(path: string, isByShell: boolean): Script | undefined {
    const { root, etc } = this.#context;
    try {
      const at = followed(root, etc, whereInTree(etc, path));
      if (!this.#hasDirectory(at)) return undefined;
      const start = root.readStart(at, 2)?.toString('latin1');
      if (start !== '#!') {
        const target = linkTarget(root, etc, at);
        if (target !== at && isProgram(posix.basename(target)) && !isProgram(posix.basename(at))) {
          // Another name of podman is read like a script that calls it.
          return { path, text: `exec ${posix.basename(target)} "$@"\n`, isShell: true };
        }
        if (start === undefined || !isByShell) return undefined;
      }
    } catch (error) {
      if (error instanceof RootError) return undefined;
      throw error;
    }
    const text = this.text(path) ?? '';
    const [, program = '', name = ''] =
      /^#!\s*(\S+)(?:[ \t]+(?:-S[ \t]+)?(?:\w+=\S*[ \t]+)*(\S+))?/.exec(text) ?? [];
    const shell = posix.basename(posix.basename(program) === 'env' ? name : program);
    return { path, text, isShell: isByShell || shells.has(shell) };
  }

  /** Whether the directory of a program is there: a thousand services may start what is not in the root. */
  #hasDirectory(path: string): boolean {
    const directory = posix.dirname(path);
    const known = this.#directories.get(directory);
    if (known !== undefined) return known;
    const isThere = this.#context.root.lookup(directory) !== undefined;
    this.#directories.set(directory, isThere);
    return isThere;
  }
}
