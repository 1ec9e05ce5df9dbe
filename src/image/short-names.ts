import type { EngineId } from '../common/engine-id.ts';

/** The settings of a root's registries.conf for names without a registry. Plain data. */
export interface ShortNames {
  /** `unqualified-search-registries`, in order. */
  readonly searchRegistries: readonly string[];
  /** `[aliases]`: short name → full repository, without tag. */
  readonly aliases: Readonly<Record<string, string>>;
  /**
   * The aliases that one user's podman remembers from earlier pulls, over `aliases`; an empty one means
   * that the name has no alias.
   */
  readonly remembered?: Readonly<Record<string, string>>;
  /** The podman of the user who remembers the aliases; root's by default. */
  readonly rememberedBy?: EngineId;
}

/** The short names of users, whose podmans remember other aliases. */
export function withoutRemembered({ searchRegistries, aliases }: ShortNames): ShortNames {
  return { searchRegistries, aliases };
}

/**
 * docker, nerdctl, Compose and containerd's CRI always mean Docker Hub, whatever registries.conf says.
 *
 * Source: github.com/distribution/reference, normalize.go, `defaultDomain`.
 */
export const dockerShortNames: ShortNames = { searchRegistries: ['docker.io'], aliases: {} };

/** ctr knows no short names: it refuses a name without a registry. */
export const noShortNames: ShortNames = { searchRegistries: [], aliases: {} };
