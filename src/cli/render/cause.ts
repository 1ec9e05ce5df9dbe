/** How messages about a repository begin: with its registry, and its path there. */
export const OF_REPOSITORY = /^registry (\S+), repository (\S+): /;

/** A message without the repository, if it begins with one: the cause may be the same for all of the registry. */
export function causeOf(message: string): string {
  return message.replace(OF_REPOSITORY, 'registry $1: ');
}
