import type { Login } from './login.ts';

/** What a client shows to a registry. */
export interface Shown {
  readonly username: string;
  readonly password: string;
  readonly identityToken?: string;
}

/** The one who is let in. */
export const ROBOT: Shown = { username: 'robot', password: 'the-password/of+the robot' };
export const IDENTITY_TOKEN = 'the-identity-token';

export const clients: Readonly<Record<Login['client'], Shown | undefined>> = {
  right: ROBOT,
  wrong: { ...ROBOT, password: 'another password' },
  nothing: undefined,
  'identity token': { username: '', password: '', identityToken: IDENTITY_TOKEN },
};

/** The value of a `Basic` header, without the scheme. */
export function basicOf({ username, password }: Shown): string {
  return Buffer.from(`${username}:${password}`).toString('base64');
}

/** What no other host may see, however it is written. */
export const secretsOfClients: readonly string[] = [
  IDENTITY_TOKEN,
  ...[clients.right, clients.wrong].flatMap((shown) =>
    shown === undefined ? [] : [shown.password, encodeURIComponent(shown.password), basicOf(shown)],
  ),
];
