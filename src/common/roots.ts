/** How a person names a deployment, whichever that is at the time: no root has such an id. */
export const deploymentNames = ['booted', 'staged', 'rollback'] as const;

/** The readers that know deployments. */
export const updaters = ['bootc', 'ostree', 'directories'] as const;

/** How a deployment stands to the running system. */
export const roles = ['booted', 'staged', 'rollback', 'pinned', 'other'] as const;

/**
 * Whether it can be the id of a root, or of pins made by hand. It is the name of files, and the value
 * of labels that anybody may write: so it leads out of no directory, hides in none, and shows as it is.
 */
export function isRootId(text: string): boolean {
  return (
    /^[A-Za-z0-9][A-Za-z0-9._@+-]{0,127}$/.test(text) &&
    !deploymentNames.some((name) => name === text)
  );
}

/**
 * The last look at an id before it becomes a path: who asks has judged it, by where it came from.
 *
 * @throws {Error} a fault of berth's own.
 */
export function assertRootId(id: string): void {
  if (!isRootId(id)) throw new Error(`${JSON.stringify(id)} came so far and is no id of a root`);
}
