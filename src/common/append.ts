/**
 * Adds items at the end of a list. `list.push(...items)` hands each over as an argument, and of more
 * than some 125,000 the stack overflows: one file of a root could end berth.
 */
export function append<T>(list: T[], items: Iterable<T>): void {
  for (const item of items) list.push(item);
}
