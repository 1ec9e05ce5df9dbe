/** The engines that berth knows. `store` is berth's own OCI layout. */
export const engineIds = ['podman', 'store'] as const;

/** The engine that has an image, or runs the containers of it, on this host. */
export type EngineId = (typeof engineIds)[number];

export function isEngineId(value: unknown): value is EngineId {
  return engineIds.some((id) => id === value);
}
