/**
 * Adds items at the end of a list. `list.push(...items)` passes each item as an argument, and with more
 * than about 125,000 arguments the stack overflows, so one file of a root could end berth.
 */
export function append<T>(list: T[], items: Iterable<T>): void {
  if (!Array.isArray(items)) for (const item of items) list.push(item);
  // Most lists are short or empty, and an iterator for each would be garbage.
  else for (let i = 0; i < items.length; i++) list.push(items[i]);
}
