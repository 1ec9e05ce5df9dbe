/**
 * What is computed of a value once, for as long as that is in use: an index of a list that is
 * looked into for each of a thousand roots. The value must not be changed meanwhile.
 */
export function onceFor<K extends object, V>(compute: (of: K) => V): (of: K) => V {
  const known = new WeakMap<K, { readonly value: V }>();
  return (of) => {
    const found = known.get(of) ?? { value: compute(of) };
    known.set(of, found);
    return found.value;
  };
}
