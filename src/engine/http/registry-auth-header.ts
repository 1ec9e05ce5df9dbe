/**
 * The header with the credentials for one pull: URL-safe base64 with its padding, as the decoders of podman and
 * docker expect it (RFC 4648, section 5).
 */
export function registryAuthHeader(value: object): Readonly<Record<string, string>> {
  const encoded = Buffer.from(JSON.stringify(value)).toString('base64');
  return { 'x-registry-auth': encoded.replaceAll('+', '-').replaceAll('/', '_') };
}
