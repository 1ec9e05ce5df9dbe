/** The sizes of fields of a frame's header by their flags (RFC 8878, section 3.1.1.1). */
const DICTIONARY_BYTES = [0, 1, 2, 4];
const CONTENT_SIZE_BYTES = [0, 2, 4, 8];

/** The most blocks of a small frame. Each holds at most 128 KiB when it is unpacked. */
const MOST_BLOCKS = 8;

/** In bytes: the most that a small frame can hold. */
export const MOST_IN_FRAME = MOST_BLOCKS * 128 * 1024;

/**
 * The length of a zstd frame, if it is small and the bytes have the whole of it (RFC 8878, section 3.1.1).
 * Undefined for any other, and for bytes that are no frame.
 */
export function smallFrame(bytes: Buffer): number | undefined {
  const flags = bytes[4];
  if (flags === undefined) return undefined;
  let at = headerLength(flags);
  for (let blocks = 0; blocks < MOST_BLOCKS; blocks++) {
    if (at + 3 > bytes.length) return undefined;
    const header = bytes.readUIntLE(at, 3);
    const type = (header >> 1) & 3;
    // A block of one repeated byte; type 3 is reserved.
    at += 3 + (type === 1 ? 1 : header >> 3);
    if (type === 3) return undefined;
    if ((header & 1) === 0) continue;
    const end = at + ((flags & 4) === 0 ? 0 : 4);
    return end <= bytes.length ? end : undefined;
  }
  return undefined;
}

function headerLength(flags: number): number {
  const isSingle = (flags & 0x20) !== 0;
  const contentSize = CONTENT_SIZE_BYTES[flags >> 6] ?? 0;
  return (
    5 +
    (isSingle ? 0 : 1) +
    (DICTIONARY_BYTES[flags & 3] ?? 0) +
    (contentSize === 0 && isSingle ? 1 : contentSize)
  );
}
