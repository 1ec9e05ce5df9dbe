/** A user and password as a `Basic` header has them, without the scheme: RFC 7617. */
export function encodedLogin(username: string, password: string): string {
  return Buffer.from(`${username}:${password}`).toString('base64');
}
