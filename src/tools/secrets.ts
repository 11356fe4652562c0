/** The secret that `env:NAME` or `file:PATH` stands for. Throws `SecretMissing`. */
export type ReadSecret = (reference: string) => string;

/** A secret that cannot be had; the message names the reference, never a value. */
export class SecretMissing extends Error {
  override readonly name = 'SecretMissing';
}
