import { createHash } from 'node:crypto';

/**
 * Whether the text is a digest that berth can verify: `sha256:` and 64 lower-case hexadecimal digits
 * (OCI image-spec, descriptor.md, "SHA-256"). No other algorithms are supported.
 */
export function isDigest(text: string): boolean {
  return /^sha256:[0-9a-f]{64}$/.test(text);
}

/** The digest of the bytes, as `sha256:…`. */
export function sha256(content: Buffer): string {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`;
}
