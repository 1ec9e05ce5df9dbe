import { posix } from 'node:path';
import type { SourceContext } from '../../source.ts';
import type { Reader } from '../read-command.ts';
import { BootedFiles } from './booted-files.ts';
import { ProgramsOnPath } from './programs-on-path.ts';
import { readScript, type Script } from './read-script.ts';

/** The most scripts of one directory that are looked at. */
const mostInDirectory = 500;

/** Where a command looks for the files and programs that it names. */
export interface Whence {
  /** The working directory. */
  readonly directory: string;
  /** The value of PATH; absent for the default of systemd. A variable in it stands for the default. */
  readonly searchPath?: string | undefined;
}

/** Finds the scripts that services start, each read once. */
export class Scripts {
  readonly files: BootedFiles;
  readonly #programs: ProgramsOnPath;
  readonly #read = new Map<string, Script | undefined>();

  constructor(context: Pick<SourceContext, 'root' | 'etc'>) {
    this.files = new BootedFiles(context);
    this.#programs = new ProgramsOnPath(this.files);
  }

  /** The script at a path, or of a program's name; undefined for other programs. */
  find(name: string, { directory, searchPath }: Whence, reader?: Reader): Script | undefined {
    if (name === '' || name.includes('\0')) return undefined;
    if (name.includes('/')) return this.#at(posix.resolve(directory, name), reader);
    const here =
      reader === undefined ? undefined : this.#at(posix.resolve(directory, name), reader);
    if (here !== undefined) return here;
    for (const path of this.#programs.pathsOf(name, searchPath)) {
      const script = this.#at(path);
      if (script !== undefined) return script;
    }
    return undefined;
  }

  /** The scripts in a directory; empty for other files. */
  in(directory: string): readonly Script[] {
    const [, names] = this.files.namesIn(directory);
    return names
      .slice(0, mostInDirectory)
      .flatMap((name) => this.#at(posix.join(directory, name)) ?? []);
  }

  #at(path: string, reader?: Reader): Script | undefined {
    const key = `${path}\0${reader ?? ''}`;
    if (!this.#read.has(key)) this.#read.set(key, readScript(this.files, path, reader));
    return this.#read.get(key);
  }
}
