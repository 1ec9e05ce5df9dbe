/** The settings of a root's registries.conf for names without a registry. Plain data. */
export interface ShortNames {
  /** `unqualified-search-registries`, in order. */
  readonly searchRegistries: readonly string[];
  /** `[aliases]`: short name → full repository, without tag. */
  readonly aliases: Readonly<Record<string, string>>;
}
