/**
 * Computes a result once for each value, and keeps it as long as the value is in use: an index of a
 * list, for instance, that is searched for each of a thousand roots. The value must not be changed.
 */
export function onceFor<K extends object, V>(compute: (of: K) => V): (of: K) => V {
  const known = new WeakMap<K, { readonly value: V }>();
  return (of) => {
    const found = known.get(of) ?? { value: compute(of) };
    known.set(of, found);
    return found.value;
  };
}
