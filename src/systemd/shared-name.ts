/** In characters: no section or key that means something is longer. */
const longest = 40;
/** The most names that are shared: units have a few dozen, and a root with senseless keys must not cost more. */
const most = 1_000;

const names = new Map<string, string>();

/**
 * The name of a section or key as one string for all units. The assignments of 20,000 units have a few
 * dozen names, and a copy of them for each assignment would take megabytes.
 */
export function sharedName(name: string): string {
  const known = names.get(name);
  if (known !== undefined) return known;
  if (name.length <= longest && names.size < most) names.set(name, name);
  return name;
}
