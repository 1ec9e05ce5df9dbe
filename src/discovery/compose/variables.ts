import { conceal, concealValue } from '../../common/concealed.ts';
import type { FoundFile } from '../../root/root.ts';
import { type Allowance, allowanceSpent } from '../allowance.ts';
import { tooManyPrivate } from '../expander.ts';
import { readEnvFile, refusedLine } from './env-file.ts';
import { badLine } from './faults.ts';
import type { ComposeFiles } from './files.ts';
import { type Environment, interpolate } from './interpolate.ts';
import type { YamlValue } from './yaml-value.ts';

/** Reads the variables of Compose projects, and replaces them in texts. */
export class Variables {
  readonly allowance: Allowance;
  readonly #files: ComposeFiles;
  /** The variables whose values come from files that not everybody may read. */
  readonly #privateNames: Set<string>;
  /** The environment files with a line that Compose refuses, each reported once. */
  readonly #refused = new Set<string>();

  /**
   * @param allowance bounds the text that the variables expand to.
   * @param privateNames variables of the process whose values not everybody may read.
   */
  constructor(files: ComposeFiles, allowance: Allowance, privateNames: Iterable<string>) {
    this.#files = files;
    this.allowance = allowance;
    this.#privateNames = new Set(privateNames);
  }

  /**
   * Reads environment files over an outer environment, and remembers which variables are private.
   */
  environment(paths: readonly string[], outer: Environment): Environment {
    const found = paths.flatMap((path) => this.#envFile(path) ?? []);
    const text = found.map(({ content }) => content.toString('utf8')).join('\n');
    const values = readEnvFile(text, outer);
    const isPrivate = found.some((file) => file.isPrivate);
    // A variable in a public file is private, too, if its value contains a private one.
    const privates = [...this.#privateNames].flatMap((name) => outer.get(name) || []);
    for (const [name, value] of values) {
      if (outer.has(name)) continue;
      const holdsPrivate = privates.some((one) => value.includes(one));
      if (isPrivate || holdsPrivate) this.#privateNames.add(name);
    }
    return values;
  }

  #envFile(path: string): FoundFile | undefined {
    const file = this.#files.file(path, 64 * 1024);
    const line = file === undefined ? undefined : refusedLine(file.content.toString('utf8'));
    if (line !== undefined && !this.#refused.has(path)) {
      this.#files.problem(path, line, badLine);
      this.#refused.add(path);
    }
    return file;
  }

  /** A scalar with its variables replaced; undefined, with a problem, if one of them is unknown. */
  text(value: YamlValue | undefined, path: string, environment: Environment): string | undefined {
    if (value?.text === undefined) return undefined;
    const result = interpolate(value.text, environment);
    if (!result.ok) {
      this.#files.problem(path, value.line, result.fault);
      return undefined;
    }
    if (!this.allowance.spend(result.text.length)) {
      this.#files.problem(path, value.line, allowanceSpent);
      return undefined;
    }
    if (this.#concealed(value.text, result.text, environment)) return result.text;
    this.#files.problem(path, value.line, tooManyPrivate);
    return undefined;
  }

  /**
   * Conceals the private values that a text uses in all messages.
   *
   * @returns false if there are too many of them to conceal.
   */
  #concealed(written: string, text: string, environment: Environment): boolean {
    if (this.#privateNames.size === 0) return true;
    const names = [...written.matchAll(/\$\{?(\w+)/g)].map(([, name = '']) => name);
    const used = names.filter((name) => this.#privateNames.has(name));
    if (used.length === 0) return true;
    return (
      conceal(text, written) && used.every((name) => concealValue(environment.get(name) ?? ''))
    );
  }
}
