/** What is wrong, apart from where it stands. */
export interface Fault {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
}
