import type { ShortNames } from '../image/short-names.ts';
import type { Root } from '../root/root.ts';
import type { Etc } from '../systemd/etc.ts';
import type { Allowance } from './allowance.ts';
import type { Problem } from './problem.ts';
import type { Reference } from './reference.ts';

/** What every source of references reads from. */
export interface SourceContext {
  readonly root: Root;
  readonly etc: Etc;
  /** From the root's own registries.conf. */
  readonly shortNames: ShortNames;
  /** The root's, in systemd's spelling: `x86-64`. */
  readonly architecture: string;
  /** How much text the root's variables and specifiers may still make. */
  readonly allowance: Allowance;
  /** The stores beside podman's own that the root's storage.conf names. */
  readonly additionalStores?: readonly string[];
}

/**
 * What one kind of place says. References come with the activation `unknown` and an empty `via`:
 * the boot graph fills them in for the unit that each names.
 */
export interface Found {
  readonly references: readonly Reference[];
  /** Those that belong to no reference. */
  readonly problems: readonly Problem[];
}
