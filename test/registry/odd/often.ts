import fc from 'fast-check';

/** One value, so many times as often as the others together. */
export function often<const T, U>(
  usual: T,
  others: fc.Arbitrary<U>,
  weight: number,
): fc.Arbitrary<T | U> {
  return fc.oneof({ weight, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: others });
}
