import { posix } from 'node:path';
import { RootError } from '../../../root/root.ts';
import { followed, linkTarget, whereInTree } from '../../../systemd/etc.ts';
import { globbed } from '../../../systemd/glob.ts';
import type { SourceContext } from '../../source.ts';
import { mentionsPrograms, startsUnknown } from '../mentions.ts';
import type { Reader } from '../read-command.ts';
import { shells } from '../shell-command.ts';
import { isProgram } from '../subcommands.ts';
import { trimmedEnd } from '../words.ts';
import { wrappers } from '../wrappers.ts';
import {
  callsInScript,
  directoriesInScript,
  interpretedInScript,
  runsDirectories,
} from './calls-in-script.ts';
import { interpretedFiles, isInterpreter } from './interpreters.ts';

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
/** The most scripts that one script calls, directly or not. A script with more counts as starting containers. */
const mostReached = 500;
/** systemd's own programs, which most services of an OS start: they are no scripts and run none. */
const ofSystemd =
  /^(?:(?:\/usr)?\/lib\/systemd\/)?(?:systemctl|systemd-(?!run|nspawn|cat|inhibit)[a-z-]+)$/;
/** Where a shell and systemd look for a program by default. */
const defaultPath = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/** The first two bytes of a binary program (ELF). */
const elf = '\x7fE';

/** Where a command looks for the files and programs that it names. */
export interface Whence {
  /** The working directory. */
  readonly directory: string;
  /** The value of PATH; absent for the default of systemd. A variable in it stands for the default. */
  readonly searchPath?: string | undefined;
}

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
   * @param whence its working directory may hold specifiers.
   */
  mayStart(commandLine: string, whence: () => Whence): boolean {
    const written = commandLine.replace(/^[-@:+!|]+/, '');
    const words = written
      .split(/\s+/, mostWords)
      .map((word) => trimmedEnd(word.replace(/^[-@:+!|"']+/, ''), `"';`));
    const [first = ''] = words;
    if (ofSystemd.test(first)) return false;
    const program = posix.basename(first);
    // The other words are arguments, unless the program runs what they name.
    const isByShell = shells.has(program);
    const reader = isByShell ? 'shell' : isInterpreter(program) ? 'interpreter' : undefined;
    const runsOthers = reader !== undefined || Object.hasOwn(wrappers, program);
    const listed = interpretedFiles(program, written.split(/\s+/, mostWords).slice(1));
    const paths = runsOthers ? [...words, ...listed] : words.slice(0, 1);
    const looksInside = isByShell || program === 'run-parts';
    if (looksInside && this.#reach(this.#calledBy(written, whence()))) return true;
    // The shell itself is no script.
    return paths.slice(reader === undefined ? 0 : 1).some((word) => {
      const { directory, searchPath } = whence();
      const at =
        reader !== undefined && !word.startsWith('/') ? posix.resolve('/', directory, word) : word;
      return /%[^%]/.test(at) || this.#seemsToStart(at, searchPath, reader);
    });
  }

  /** The script at a path, or of a program's name; undefined for other programs. */
  find(name: string, { directory, searchPath }: Whence, reader?: Reader): Script | undefined {
    if (name === '' || name.includes('\0')) return undefined;
    if (name.includes('/')) return this.#at(posix.resolve(directory, name), reader);
    const here =
      reader === undefined ? undefined : this.#at(posix.resolve(directory, name), reader);
    if (here !== undefined) return here;
    for (const path of this.#onSearchPath(name, searchPath)) {
      const script = this.#at(path);
      if (script !== undefined) return script;
    }
    return undefined;
  }

  /** The scripts in a directory; empty for other files. */
  in(directory: string): readonly Script[] {
    return this.#namesIn(directory)[1]
      .slice(0, mostReached)
      .flatMap((name) => this.#at(posix.join(directory, name)) ?? []);
  }

  #onSearchPath(name: string, searchPath = ''): readonly string[] {
    this.#onPath ??= this.#programs();
    const byDefault = this.#onPath.get(name) ?? [];
    const paths = searchPath.split(':', mostWords).flatMap((directory) => {
      if (directory.includes('$') || defaultPath.includes(directory)) return byDefault;
      return directory.startsWith('/') ? [posix.join(directory, name)] : [];
    });
    return searchPath === '' ? byDefault : paths;
  }

  /**
   * The paths of all programs, by name. Scripts name very many programs, and each directory is listed once
   * rather than looked into for each name.
   */
  #programs(): ReadonlyMap<string, readonly string[]> {
    const paths = new Map<string, string[]>();
    const listed = new Set<string>();
    for (const directory of defaultPath) {
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

  /** Whether the limit for scripts of a root is reached: further scripts are not read. */
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

  /** The path behind all links; the path itself if the root does not have it. */
  realPath(path: string): string {
    const { root, etc } = this.#context;
    try {
      const at = root.lookup(followed(root, etc, whereInTree(etc, path)))?.realPath ?? path;
      return etc !== '/etc' && at.startsWith(`${etc}/`) ? at.slice('/usr'.length) : at;
    } catch (error) {
      if (error instanceof RootError) return path;
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

  /** The files of the root that a pattern of the shell matches. */
  matching(pattern: string): readonly string[] {
    const { root, etc } = this.#context;
    try {
      const paths = globbed(root, whereInTree(etc, pattern)) ?? [];
      return etc === '/etc' ? paths : paths.map((path) => path.replace(/^\/usr\/etc\//, '/etc/'));
    } catch (error) {
      if (error instanceof RootError) return [];
      throw error;
    }
  }

  #seemsToStart(name: string, searchPath: string | undefined, reader?: Reader): boolean {
    const script = this.find(name, { directory: '/', searchPath }, reader);
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
    const called = starts ? [] : this.#calledBy(code, { directory: posix.dirname(script.path) });
    const look = { starts, called };
    this.#looks.set(script, look);
    return look;
  }

  /** The scripts of the root that a text seems to call. */
  #calledBy(code: string, whence: Whence): readonly Script[] {
    const set = /\bPATH=["']?([^\s"';&|]+)/.exec(code)?.[1];
    const from = set === undefined ? whence : { ...whence, searchPath: `${set}:$PATH` };
    const besides = [whence.directory, ...directoriesInScript(code)];
    const interpreted = interpretedInScript(code).flatMap((name) =>
      besides.flatMap((directory) => this.find(name, { directory }, 'interpreter') ?? []),
    );
    const runsAll = runsDirectories(code);
    const called = callsInScript(code).flatMap(({ name, isByShell }) => {
      const isPath = name.includes('/') || isByShell || name.endsWith('.sh');
      const reader = isByShell ? 'shell' : undefined;
      const beside = besides.flatMap((directory) =>
        isPath ? (this.find(`./${posix.basename(name)}`, { directory }, reader) ?? []) : [],
      );
      const mayBeRun = runsAll && name.startsWith('/') && !defaultPath.includes(name);
      const inside = mayBeRun ? this.in(name) : [];
      return [this.find(name, from, reader) ?? [], beside, inside].flat();
    });
    return [...called, ...interpreted];
  }

  #at(path: string, reader?: Reader): Script | undefined {
    const key = `${path}\0${reader ?? ''}`;
    if (!this.#read.has(key)) this.#read.set(key, this.#readAt(path, reader));
    return this.#read.get(key);
  }

  #readAt(path: string, reader?: Reader): Script | undefined {
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
        if (start === undefined || reader === undefined || start === elf) return undefined;
      }
    } catch (error) {
      if (error instanceof RootError) return undefined;
      throw error;
    }
    const text = this.text(path) ?? '';
    const [, program = '', name = ''] =
      /^#!\s*(\S+)(?:[ \t]+(?:-S[ \t]+)?(?:\w+=\S*[ \t]+)*(\S+))?/.exec(text) ?? [];
    const shell = posix.basename(posix.basename(program) === 'env' ? name : program);
    return { path, text, isShell: reader === 'shell' || shells.has(shell) };
  }

  /** Whether a program's directory exists. Remembered, as many services may start programs of one directory. */
  #hasDirectory(path: string): boolean {
    const directory = posix.dirname(path);
    const known = this.#directories.get(directory);
    if (known !== undefined) return known;
    const isThere = this.#context.root.lookup(directory) !== undefined;
    this.#directories.set(directory, isThere);
    return isThere;
  }
}
