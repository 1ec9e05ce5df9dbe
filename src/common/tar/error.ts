/** The bytes are no tar archive, or end too soon. */
export class TarError extends Error {}
