import type { ShortNames } from '../image/short-names.ts';
import type { Root } from '../root/root.ts';
import type { Extensions } from '../systemd/at-boot/extensions.ts';
import type { Etc } from '../systemd/etc.ts';
import type { Allowance } from './allowance.ts';
import type { ContainersConf } from './containers-conf.ts';
import type { Placement } from './engines/placement.ts';
import type { Fault, Problem } from './problem.ts';
import type { Reference } from './reference.ts';
import type { Accounts } from './users/accounts.ts';

/** Reads the short names of the registries.conf at a path in the booted root. */
export type ReadShortNames = (
  path: string,
) => Promise<{ readonly shortNames: ShortNames } | { readonly fault: Fault }>;

/** The input of every source of references. */
export interface SourceContext {
  readonly root: Root;
  readonly etc: Etc;
  /** The short names in the root's own registries.conf. */
  readonly shortNames: ShortNames;
  /** The short names in another registries.conf of the root, or why they can't be known. */
  readonly shortNamesIn?: ReadShortNames | undefined;
  /** The root's architecture in systemd's spelling: `x86-64`. */
  readonly architecture: string;
  /** Bounds the text that the root's variables and specifiers may expand to. */
  readonly allowance: Allowance;
  /** The users in the root's own passwd. */
  readonly accounts: Accounts;
  /** The podman of the user whose manager runs the units. */
  readonly podman: Placement;
  /** The additional image stores that the root's storage.conf names. */
  readonly additionalStores?: readonly string[];
  /** What systemd lays over the root at boot; nothing by default. */
  readonly extensions?: Extensions | undefined;
  /** The root's containers.conf. */
  readonly containersConf?: ContainersConf | undefined;
}

/**
 * The result of one source. Its references have the activation `unknown` and an empty `via`, which
 * are later filled in from the boot graph (started.ts).
 */
export interface Found {
  readonly references: readonly Reference[];
  /** The problems that belong to no single reference. */
  readonly problems: readonly Problem[];
}
