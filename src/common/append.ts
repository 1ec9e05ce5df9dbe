/**
 * Adds items at the end of a list. `list.push(...items)` passes each item as an argument, and with more
 * than about 125,000 arguments the stack overflows, so one file of a root could end berth.
 */
export function append<T>(list: T[], items: Iterable<T>): void {
  if (Array.isArray(items) && items.length === 0) return;
  for (const item of items) list.push(item);
}
