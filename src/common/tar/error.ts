/** What is no archive, or ends too soon. */
export class TarError extends Error {}
