import { conceal, concealValue } from '../common/concealed.ts';
import { type Root, RootError } from '../root/root.ts';
import { type Environment, environmentOf } from '../systemd/environment/environment.ts';
import {
  type ManagerEnvironment,
  managerEnvironment,
} from '../systemd/environment/manager-environment.ts';
import { type ExpandedWords, expandVariables } from '../systemd/environment/variables.ts';
import type { Etc } from '../systemd/etc.ts';
import { lastOf, scalar } from '../systemd/lookup.ts';
import { readOsRelease } from '../systemd/os-release.ts';
import { type Expanded, expandSpecifiers, type UserOfUnits } from '../systemd/specifiers.ts';
import type { UnitEntry } from '../systemd/unit-file.ts';
import { parseUnitName, type UnitName, withInstance } from '../systemd/unit-name.ts';
import { type Allowance, allowanceSpent } from './allowance.ts';
import type { Fault } from './problem.ts';
import type { SourceContext } from './source.ts';

/** The words that a word expands to, or why they are not known. */
export type ExpandedValue =
  | {
      readonly ok: true;
      readonly words: readonly string[];
      /** Whether the words hold a value from a file that not everybody may read. */
      readonly isPrivate?: boolean;
    }
  | { readonly ok: false; readonly fault: Fault };

type OsRelease =
  | { readonly ok: true; readonly values: ReadonlyMap<string, string> | undefined }
  | { readonly ok: false; readonly message: string; readonly hint: string };

/** The parts of a service on which its specifiers and variables depend. */
export interface ExpandedUnit {
  /** The service, with its type: `app@eu.service`. */
  readonly service: string;
  /** The unit's assignments, including those of [Service] and [Install]. */
  readonly entries: readonly UnitEntry[];
}

/** The keys by which a service sets variables or asks its manager for some. */
const settings = ['Environment', 'EnvironmentFile', 'PassEnvironment'];

/**
 * Expands the words of a service's command line as systemd does: first the specifiers, then the
 * variables.
 */
export class Expander {
  readonly #root: Root;
  readonly #etc: Etc;
  readonly #architecture: string;
  readonly #user: UserOfUnits | undefined;
  readonly #allowance: Allowance;
  #osRelease: OsRelease | undefined;
  #manager: ManagerEnvironment | undefined;
  /**
   * The environments read so far, by the unit's entries: a unit may have many words, and its
   * environment many files.
   */
  readonly #environments = new WeakMap<object, { service: string; environment: Environment }>();

  /** @param user the user whose manager runs the units; the system's manager by default. */
  constructor(
    {
      root,
      etc,
      architecture,
      allowance,
    }: Pick<SourceContext, 'root' | 'etc' | 'architecture' | 'allowance'>,
    user?: UserOfUnits,
  ) {
    this.#root = root;
    this.#etc = etc;
    this.#architecture = architecture;
    this.#allowance = allowance;
    this.#user = user;
  }

  expand(unit: ExpandedUnit, word: string): ExpandedValue {
    if (!word.includes('%') && !word.includes('$')) return { ok: true, words: [word] };
    const text = this.#specifiers(unit, word);
    if (!text.ok) return fault('specifier', text);
    const words = expandVariables(text.text, () => this.environment(unit));
    if (!words.ok) return fault('variable', words);
    const size = words.words.reduce((sum, { length }) => sum + length, 0);
    if (!this.#allowance.spend(size)) return { ok: false, fault: allowanceSpent };
    if (!concealAll(words, word)) return { ok: false, fault: tooManyPrivate };
    return { ok: true, words: words.words, isPrivate: words.privateValues.length > 0 };
  }

  /** Expands a word in a place where systemd replaces specifiers but no variables. */
  expandSpecifiers(unit: ExpandedUnit, word: string): ExpandedValue {
    const text = this.#specifiers(unit, word);
    if (!text.ok) return fault('specifier', text);
    if (!this.#allowance.spend(text.text.length)) return { ok: false, fault: allowanceSpent };
    return { ok: true, words: [text.text] };
  }

  /** Whether the unit or its manager sets variables at all; most don't. */
  hasEnvironment({ entries }: ExpandedUnit): boolean {
    if (this.#managerEnvironment().inherited.size > 0) return true;
    return settings.some((key) => lastOf(entries, 'Service', key) !== undefined);
  }

  /** The variables that the unit sets or gets from its manager. */
  environment(unit: ExpandedUnit): Environment {
    const known = this.#environments.get(unit.entries);
    // Instances of one template may share its entries, so the service must be the same, too.
    if (known?.service === unit.service) return known.environment;
    const expand = (text: string) => this.#expandPaid(unit, text);
    const [root, etc] = [this.#root, this.#etc];
    const manager = this.#managerEnvironment();
    const spend = (bytes: number) => this.#allowance.spend(bytes);
    const environment = environmentOf(unit.entries, { root, etc, expand, manager, spend });
    this.#environments.set(unit.entries, { service: unit.service, environment });
    return environment;
  }

  #expandPaid(unit: ExpandedUnit, text: string): Expanded {
    const expanded = this.#specifiers(unit, text);
    const isCheap = !expanded.ok || expanded.text === text;
    if (isCheap || this.#allowance.spend(expanded.text.length)) return expanded;
    const { message, hint } = allowanceSpent;
    return { ok: false, message, hint };
  }

  #managerEnvironment(): ManagerEnvironment {
    const name = this.#user === undefined ? 'system' : 'user';
    this.#manager ??= managerEnvironment(this.#root, this.#etc, name);
    return this.#manager;
  }

  #specifiers(unit: ExpandedUnit, text: string): Expanded {
    if (!text.includes('%')) return { ok: true, text };
    this.#osRelease ??= this.#readOsRelease();
    if (!this.#osRelease.ok) return this.#osRelease;
    return expandSpecifiers(text, {
      unit: instantiated(unit),
      architecture: this.#architecture,
      osRelease: this.#osRelease.values,
      ...(this.#user === undefined ? {} : { user: this.#user }),
    });
  }

  #readOsRelease(): OsRelease {
    try {
      return { ok: true, values: readOsRelease(this.#root, this.#etc) };
    } catch (error) {
      if (!(error instanceof RootError)) throw error;
      return { ok: false, message: error.message, hint: error.hint };
    }
  }
}

/**
 * Conceals the values of private files in all messages. In place of a word made of such values,
 * messages show the word as the unit writes it.
 *
 * @returns false if the values can't be concealed; the words must not be used then.
 */
function concealAll(
  { words, privateValues }: ExpandedWords & { ok: true },
  written: string,
): boolean {
  if (privateValues.length === 0) return true;
  // The image of a volume comes with its key in one word: `image=NAME`.
  const withoutKey = (text: string) => text.replace(/^[a-z]+=/, '');
  return (
    words.every((word) => conceal(withoutKey(word), withoutKey(written))) &&
    privateValues.every(concealValue)
  );
}

/**
 * The fault of a word whose private values can't be concealed, within the limits of concealed.ts.
 */
export const tooManyPrivate: Fault = {
  code: 'variable',
  message:
    'expected at most 10000 values of at most 4096 characters from files that not everybody may read, found more or a longer one',
  hint: 'write the image out in the unit',
};

/** The name by which the unit runs: a template started by `[Install]` is its default instance. */
function instantiated(unit: ExpandedUnit): UnitName {
  const name = parseUnitName(unit.service);
  if (name.instance !== '') return name;
  const instance = scalar(unit.entries, 'Install', 'DefaultInstance');
  return instance === undefined ? name : withInstance(name, instance.value);
}

function fault(
  code: 'specifier' | 'variable',
  { message, hint }: { message: string; hint: string },
): ExpandedValue {
  return { ok: false, fault: { code, message, hint } };
}
