/** The settings of a root's registries.conf for names without a registry. Plain data. */
export interface ShortNames {
  /** `unqualified-search-registries`, in order. */
  readonly searchRegistries: readonly string[];
  /** `[aliases]`: short name → full repository, without tag. */
  readonly aliases: Readonly<Record<string, string>>;
}

/**
 * docker, nerdctl, Compose and containerd's CRI always mean Docker Hub, whatever registries.conf says.
 *
 * Source: github.com/distribution/reference, normalize.go, `defaultDomain`.
 */
export const dockerShortNames: ShortNames = { searchRegistries: ['docker.io'], aliases: {} };

/** ctr knows no short names: it refuses a name without a registry. */
export const noShortNames: ShortNames = { searchRegistries: [], aliases: {} };
